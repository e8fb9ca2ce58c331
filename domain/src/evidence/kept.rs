//! What is kept of a checkpoint, believed only as far as its signature and its own heads bear it out.

use super::checkpoint::{Checkpoint, Kept};
use super::note::{PublicKey, Unsigned};
use super::tree::Frontier;

/// Why a checkpoint that was kept is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nobody vouches for it.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    /// What is signed is no checkpoint of this log.
    #[error("what is signed is no checkpoint of this log")]
    Foreign,
    /// Its heads do not make the tree that is signed.
    #[error("its heads do not make the tree that is signed")]
    Grown,
}

impl Kept {
    /// What it says and the tree after it, if one of `keys` signed it in the name of `origin` and its heads make that tree.
    pub fn open(&self, origin: &str, keys: &[PublicKey]) -> Result<(Checkpoint, Frontier), Unfit> {
        let (text, _) = self.note.verified(origin, keys)?;
        let said = Checkpoint::parse(text).filter(|said| said.origin == origin).ok_or(Unfit::Foreign)?;
        if !self.before.is_whole() {
            return Err(Unfit::Grown);
        }
        let mut tree = self.before.clone();
        self.heads.iter().for_each(|head| tree.push(head.node()));
        if tree.size == said.size && tree.root() == said.root { Ok((said, tree)) } else { Err(Unfit::Grown) }
    }

    /// How many records it covers newly.
    pub fn records(&self) -> u64 {
        self.heads.iter().map(|head| head.size.saturating_sub(head.from)).sum()
    }
}
