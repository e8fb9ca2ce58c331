//! An installation as it stands at some moment, a line of JSON for each thing, so that a later version can go on from it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::policy::Policy;
use serde_json::{Value, json};

use super::{Execution, Installation};
use crate::phone::Phone;

impl Installation {
    /// What is kept and what is under way: rows, objects, messages, executions.
    pub fn kept(&self) -> Vec<Value> {
        let world = self.standin.world.lock().unwrap();
        let mut lines = Vec::new();
        for (table, rows) in &world.tables {
            lines.extend(rows.values().map(|item| json!({ "table": table, "item": item })));
        }
        lines.extend(world.objects.iter().map(|(name, bytes)| match std::str::from_utf8(bytes) {
            Ok(text) => json!({ "object": name, "text": text }),
            Err(_) => json!({ "object": name, "base64": STANDARD.encode(bytes) }),
        }));
        for (queue, bodies) in &world.queues {
            lines.extend(bodies.iter().map(|body| json!({ "queue": queue, "body": body })));
        }
        lines.extend(self.messages.iter().map(|message| json!({ "queue": "signals", "body": message.body })));
        lines.extend(world.executions.iter().map(|(name, input)| json!({ "started": name, "input": input })));
        lines.extend(self.executions.iter().map(|execution| json!({ "execution": execution.kept() })));
        lines
    }

    /// A new installation that has what was `kept`; its executions go on by what `definition` says of their machines. Its
    /// secrets are those under which `policy` was furnished, and its key is another one.
    pub fn going_on(phone: &Phone, policy: &Policy, kept: &[Value], definition: impl Fn(&str) -> Value) -> Self {
        let mut place = Self::furnished(phone, policy);
        let mut world = place.standin.world.lock().unwrap();
        world.objects.clear();
        for line in kept {
            let text = |name: &str| line[name].as_str().map(str::to_owned);
            if let Some(table) = text("table") {
                world.insert(&table, line["item"].as_object().unwrap().clone());
            } else if let Some(name) = text("object") {
                let bytes = text("text").map(String::into_bytes);
                let bytes = bytes.unwrap_or_else(|| STANDARD.decode(text("base64").unwrap()).unwrap());
                world.objects.insert(name, bytes);
            } else if let Some(queue) = text("queue") {
                world.queues.entry(queue).or_default().push(text("body").unwrap());
            } else if let Some(name) = text("started") {
                world.executions.insert(name, text("input").unwrap());
            } else {
                let kept = &line["execution"];
                let machine = if kept["machine"] == "export" { "export" } else { "incident" };
                place.executions.push(Execution::going_on(machine, definition(machine), kept));
            }
        }
        drop(world);
        place
    }
}
