//! The guide is complete, and its examples are true: every command, every address of the API and every key of a policy
//! is in it, and what an example prints is what the command prints and the API's description allows.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn guide() -> String {
    read("docs/guide.md")
}

/// The texts of the guide between fences of `language`.
fn blocks(guide: &str, language: &str) -> Vec<String> {
    let begins = format!("```{language}\n");
    guide.split(&begins).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Every example: the command that is typed, and what comes back.
fn examples(guide: &str) -> Vec<(String, String)> {
    let blocks = blocks(guide, "console");
    let typed = blocks.iter().flat_map(|block| block.strip_prefix("$ ").expect("a command first").split("\n$ "));
    typed
        .map(|example| {
            let mut command = String::new();
            let mut lines = example.lines();
            for line in lines.by_ref() {
                command.push_str(line.trim_end_matches('\\'));
                // A text in quotes may go on, and so may a line that says so.
                if command.matches('\'').count().is_multiple_of(2) && !line.ends_with('\\') {
                    break;
                }
            }
            (command, lines.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

/// Every command that has no commands below it, such as `silence add`.
fn commands(above: &[&str]) -> Vec<String> {
    let ran = Command::new(env!("CARGO_BIN_EXE_watchkeeper")).args(above).arg("--help").output().unwrap();
    let help = String::from_utf8(ran.stdout).unwrap();
    let Some((_, listed)) = help.split_once("\nCommands:\n") else { return vec![above.join(" ")] };
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.flat_map(|name| commands(&[above, &[name]].concat())).collect()
}

#[test]
fn every_command_is_in_the_guide() {
    let (guide, commands) = (guide(), commands(&[]));
    assert!(commands.contains(&"silence add".to_owned()), "{commands:?}");
    let missing: Vec<_> = commands.iter().filter(|name| !guide.contains(&format!("watchkeeper {name}"))).collect();
    assert!(missing.is_empty(), "docs/guide.md shows no example of: {missing:?}");
}

/// Every method and path that the API's description has, with what it says about it.
fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let paths = description["paths"].as_object().unwrap();
    let of_path = |(path, methods): (&String, &'_ Value)| {
        let names: Vec<_> = methods.as_object().unwrap().keys().filter(|name| *name != "parameters").cloned().collect();
        names.into_iter().map(|name| (name, path.clone())).collect::<Vec<_>>()
    };
    let all = paths.iter().flat_map(of_path);
    all.map(|(method, path)| (method.to_uppercase(), path.clone(), &description["paths"][&path][&method])).collect()
}

/// How well `address` fits `path`: how many of its parts are written in it; `None` when it does not.
fn fit(address: &str, path: &str) -> Option<usize> {
    let (address, path): (Vec<_>, Vec<_>) = (address.split('/').collect(), path.split('/').collect());
    let mut same = 0;
    for (part, expected) in address.iter().zip(&path) {
        match part == expected {
            true => same += 1,
            false if expected.starts_with('{') && !part.starts_with('{') => {}
            false => return None,
        }
    }
    (address.len() == path.len()).then_some(same)
}

/// What a call of `curl` asks for: the method, the address and the body.
fn asked(command: &str) -> (String, String, Option<String>) {
    let address = command.split("$WATCHKEEPER_URL").nth(1).and_then(|rest| rest.split(['"', '?']).next()).unwrap();
    let method = command.split("-X ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("GET");
    let body = command.split_once("-d '").map(|(_, rest)| rest.trim_end().trim_end_matches('\'').to_owned());
    (method.to_owned(), address.to_owned(), body)
}

/// The operation that a call asks for.
fn found<'a>(
    operations: &'a [(String, String, &'a Value)],
    method: &str,
    address: &str,
) -> Option<&'a (String, String, &'a Value)> {
    let fitting = operations.iter().filter(|(known, path, _)| known == method && fit(address, path).is_some());
    fitting.max_by_key(|(_, path, _)| fit(address, path))
}

#[test]
fn every_address_of_the_api_is_in_the_guide() {
    let guide = guide();
    let description: Value = serde_json::from_str(&read("src/api/openapi.json")).unwrap();
    let operations = operations(&description);
    let mut shown = BTreeSet::new();
    for (command, _) in examples(&guide).iter().filter(|(command, _)| command.starts_with("curl")) {
        let (method, address, _) = asked(command);
        let (method, path, _) =
            found(&operations, &method, &address).unwrap_or_else(|| panic!("there is no {method} {address}"));
        shown.insert(format!("{method} {path}"));
    }
    let all = operations.iter().map(|(method, path, _)| format!("{method} {path}"));
    let missing: Vec<_> = all.filter(|name| !shown.contains(name) && !guide.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/guide.md neither calls nor names: {missing:#?}");
}

/// The schema that `schema` refers to, if it does.
fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    let name = |schema: &'a Value| schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    let any = schema["anyOf"].as_array().into_iter().flatten().find_map(name);
    match name(schema).or(any) {
        Some(name) => &description["components"]["schemas"][name],
        None => schema,
    }
}

/// Names what `value` has and `schema` does not; and, of a request, what it lacks.
fn compare(description: &Value, schema: &Value, value: &Value, request: bool, path: &str, wrong: &mut Vec<String>) {
    let schema = resolved(description, schema);
    if let Some(items) = value.as_array() {
        for item in items {
            compare(description, &schema["items"], item, request, path, wrong);
        }
    }
    let (Some(known), Some(fields)) = (schema["properties"].as_object(), value.as_object()) else { return };
    for (name, value) in fields {
        match known.get(name) {
            Some(schema) => compare(description, schema, value, request, &format!("{path}.{name}"), wrong),
            None => wrong.push(format!("{path}.{name} is not known")),
        }
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    wrong.extend(
        required.filter(|name| request && !fields.contains_key(*name)).map(|name| format!("{path}.{name} is missing")),
    );
}

#[test]
fn what_the_api_is_asked_and_answers_in_the_guide_is_what_it_takes_and_gives() {
    let description: Value = serde_json::from_str(&read("src/api/openapi.json")).unwrap();
    let operations = operations(&description);
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut wrong = Vec::new();
    for (command, answer) in examples(&guide()).iter().filter(|(command, _)| command.starts_with("curl")) {
        let (method, address, body) = asked(command);
        let (_, path, operation) = found(&operations, &method, &address).unwrap();
        let name = format!("{method} {path}");
        if let Some(body) = body {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            compare(&description, schema, &json(&body), true, &format!("{name}: asked"), &mut wrong);
        }
        let mut good = operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
        if !answer.is_empty() {
            let schema = &good.next().unwrap().1["content"]["application/json"]["schema"];
            compare(&description, schema, &json(answer), false, &format!("{name}: answered"), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether `shown` is `printed`, shortened: `...` stands for any lines, or for the rest of a line.
fn is_shortened(shown: &str, printed: &str) -> bool {
    let mut printed = printed.lines();
    let mut skips = false;
    for line in shown.lines() {
        let same = |printed: &str| match line.strip_suffix("...") {
            Some(beginning) => printed.starts_with(beginning.trim_end()),
            None => printed == line,
        };
        if line == "..." {
            skips = true;
        } else if skips {
            skips = false;
            if !printed.any(same) {
                return false;
            }
        } else if !printed.next().is_some_and(same) {
            return false;
        }
    }
    skips || printed.next().is_none()
}

#[test]
fn what_the_command_prints_in_the_guide_is_what_its_transcripts_say() {
    let folders = ["cli/tests/snapshots", "cli/tests/audit/snapshots"].map(|folder| fs::read_dir(root().join(folder)));
    let files =
        folders.into_iter().flat_map(Result::unwrap).map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let transcripts: Vec<(String, String)> = files
        .filter_map(|text| {
            let told = text.split_once("\n---\n$ ")?.1.replace("--- stderr\n", "");
            let (command, printed) = told.split_once('\n')?;
            let end = if printed.starts_with("--- ") { 0 } else { printed.find("\n--- ")? + 1 };
            Some((command.to_owned(), printed[..end].to_owned()))
        })
        .collect();
    let mut wrong = Vec::new();
    for (command, shown) in examples(&guide()).iter().filter(|(command, _)| command.starts_with("watchkeeper")) {
        let mut known = transcripts.iter().filter(|(known, _)| known == command).peekable();
        if known.peek().is_none() {
            wrong.push(format!("no transcript has: {command}"));
        } else if !known.any(|(_, printed)| is_shortened(shown, printed)) {
            wrong.push(format!("it prints something else: {command}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every key that a policy may have, as its readers list them.
fn keys() -> BTreeSet<String> {
    let folder = root().join("domain/src/policy");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut keys = BTreeSet::new();
    for text in files.map(|path| fs::read_to_string(path).unwrap()) {
        for mapping in text.split("\nmapping!(").skip(1) {
            let (head, _) = mapping.split_once("fields =>").unwrap();
            keys.extend(head.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    keys
}

/// Whether `text` has `key` as a key of YAML.
fn has_key(text: &str, key: &str) -> bool {
    text.match_indices(&format!("{key}:")).any(|(place, _)| text[..place].ends_with([' ', '\n', '{', '`']))
}

#[test]
fn every_key_of_a_policy_is_in_the_sample_and_in_the_guide() {
    let keys = keys();
    assert!(keys.contains("people") && keys.contains("twilio_sms"), "{keys:?}");
    for (name, text) in [("policy/sample.yaml", read("policy/sample.yaml")), ("docs/guide.md", guide())] {
        let missing: Vec<_> = keys.iter().filter(|key| !has_key(&text, key)).collect();
        assert!(missing.is_empty(), "{name} says nothing of: {missing:?}");
    }
}

/// The sections of a policy, each with the key it begins with.
fn sections(policy: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in policy.lines() {
        match line.split_once(':') {
            Some((key, _)) if !key.is_empty() && !key.starts_with([' ', '#']) => sections.push((key, line.to_owned())),
            _ => {
                let (_, section) = sections.last_mut().expect("a section first");
                section.extend(["\n", line]);
            }
        }
    }
    sections
}

#[test]
fn every_piece_of_a_policy_in_the_guide_is_valid() {
    let small = read("cli/tests/files/policy.yaml");
    for piece in blocks(&guide(), "yaml") {
        let new = sections(&piece);
        let kept = sections(&small).into_iter().filter(|(key, _)| !new.iter().any(|(other, _)| other == key));
        let policy: Vec<String> = kept.chain(new.clone()).map(|(_, section)| section).collect();
        let read = domain::policy::parse(&policy.join("\n"));
        assert!(read.is_ok(), "{piece}\n{:#?}", read.unwrap_err());
    }
}

#[test]
fn the_contents_of_the_guide_lead_to_every_section() {
    let guide = guide();
    let contents = guide.split("\n## ").next().unwrap();
    for title in guide.lines().filter_map(|line| line.strip_prefix("### ")) {
        let anchor = title.to_lowercase().replace(' ', "-");
        assert!(contents.contains(&format!("(#{anchor})")), "the contents do not lead to {title}");
    }
}
