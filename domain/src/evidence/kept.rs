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
    /// What it says and the tree after it, if one of `keys` signed it in the name of `origin` and its heads make that
    /// tree.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Hash;

    const ORIGIN: &str = "watchkeeper/123456789012/eu-central-1/oncall";

    /// Two checkpoints as they are stored, made by nothing of ours, with a key that is gone.
    fn golden() -> ([Kept; 2], PublicKey) {
        let texts = [include_str!("fixtures/checkpoint-1.json"), include_str!("fixtures/checkpoint-2.json")];
        let kept = texts.map(|text| {
            let kept: Kept = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&kept).unwrap(), text.trim_end(), "it is written as it was read");
            kept
        });
        (kept, PublicKey::from_pem(include_str!("fixtures/key.pem")).unwrap())
    }

    #[test]
    fn checkpoints_of_the_first_version_read_and_verify_for_ever() {
        let ([first, second], key) = golden();
        let keys = [key];
        let (one, tree) = first.open(ORIGIN, &keys).unwrap();
        assert_eq!((one.number, one.size, &one.previous, first.records()), (1, 3, &Hash::zero(), 8));
        let (two, after) = second.open(ORIGIN, &keys).unwrap();
        assert_eq!((two.number, two.size, &two.previous, second.records()), (2, 5, &one.hash(), 2));
        assert_eq!((tree, after.size), (second.before, 5));
    }

    #[test]
    fn a_checkpoint_is_believed_only_as_it_was_signed() {
        let ([first, second], key) = golden();
        let keys = [key];
        assert_eq!(first.open("another", &keys), Err(Unfit::Unsigned(Unsigned::UnknownKey)));
        assert_eq!(first.open(ORIGIN, &[]), Err(Unfit::Unsigned(Unsigned::UnknownKey)));
        let wrong: [fn(&mut Kept); 5] = [
            |kept| kept.heads.swap(0, 1),
            |kept| kept.heads.truncate(1),
            |kept| kept.heads[0].size += 1,
            |kept| kept.before = Frontier::default(),
            |kept| kept.before.nodes.truncate(1),
        ];
        for (case, change) in wrong.iter().enumerate() {
            let mut kept = second.clone();
            change(&mut kept);
            assert_eq!(kept.open(ORIGIN, &keys), Err(Unfit::Grown), "case {case}");
        }
    }
}
