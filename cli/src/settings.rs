//! Where Watchkeeper is, and the secrets to speak to it: from the environment, or from what `make up` wrote.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use watchkeeper::secret::Secret;

use crate::failure::Failure;

/// What the command knows of the world around it.
#[derive(Debug)]
pub struct Settings {
    /// Where Watchkeeper answers, without a slash at the end.
    pub url: String,
    /// What was written for the local cloud; only if that is where we connect to.
    local: BTreeMap<String, Secret>,
}

impl Settings {
    /// Finds them: `url`, which is the argument, then the environment's, then the local cloud's.
    pub fn find(url: Option<&str>) -> Result<Self, Failure> {
        let local = local();
        let own = local.get("WATCHKEEPER_URL").map(|url| tidy(url.expose()));
        let named = url.map(str::to_owned).or_else(|| env::var("WATCHKEEPER_URL").ok());
        let url = named.filter(|url| !url.is_empty()).map(|url| tidy(&url)).or_else(|| own.clone());
        let url = url.ok_or(Failure::Unconfigured("WATCHKEEPER_URL"))?;
        // The local cloud's secrets are for the local cloud: they never go to another address.
        let local = if own.as_ref() == Some(&url) { local } else { BTreeMap::new() };
        Ok(Self { url, local })
    }

    /// The secret called `name`.
    pub fn secret(&self, name: &'static str) -> Result<Secret, Failure> {
        self.get(name).ok_or(Failure::Unconfigured(name))
    }

    /// The value called `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<Secret> {
        let own = env::var(name).ok().filter(|value| !value.is_empty());
        own.map(|value| Secret::new(&value)).or_else(|| self.local.get(name).cloned())
    }
}

fn tidy(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// The first folder, from here upward, that has `path` in it.
pub fn upward(path: &str) -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().find(|folder| folder.join(path).is_file()).map(Path::to_path_buf)
}

fn local() -> BTreeMap<String, Secret> {
    const FILE: &str = "target/local/env";
    let text = upward(FILE).and_then(|folder| std::fs::read_to_string(folder.join(FILE)).ok()).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), Secret::new(value.trim()))).collect()
}
