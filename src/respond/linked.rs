//! The links that answers come by, read with every secret that is valid now: one that was made a moment ago may be made
//! with a secret that is newer than our memory.

use jiff::Timestamp;

use super::Responder;
use crate::error::Error;
use crate::link::Links;
use crate::store::Loaded;

impl Responder {
    /// What reads `token`, if it is a link of ours.
    pub(super) async fn links_of(&self, token: &str, now: Timestamp) -> Result<Links, Error> {
        let links = self.made_with(&self.secrets.get(&[&self.links], now).await?)?;
        if links.parse(token).is_some() { Ok(links) } else { self.newest_links(now).await }
    }

    /// What reads the codes of text messages, which do not say by themselves that they are ours.
    pub(super) async fn newest_links(&self, now: Timestamp) -> Result<Links, Error> {
        self.made_with(&self.secrets.refetch(&[&self.links], now).await?)
    }

    fn made_with(&self, secrets: &Loaded) -> Result<Links, Error> {
        let links = Links::new(secrets.get(&self.links).to_vec(), &self.base_url);
        links.ok_or_else(|| Error::Misconfigured("there is no secret for links".to_owned()))
    }
}
