//! The tree over all events of a journal: what one checkpoint stands for, and the proof that an event is under it.
//!
//! Absent: keys. A leaf covers the event as it is stored, so what is sealed for a person stays sealed in every proof, and an erasure
//! changes no leaf. The tree is that of RFC 6962 (2.1): SHA-256, leaves and nodes told apart by a first byte.
//!
//! A leaf's data is BLAKE3 of the event's number, stream and body: `seq` in 8 bytes, `stream` in 8 bytes, both little-endian, the
//! body. [`Frontier`] follows a growing journal in a few hundred bytes; [`Tree`] holds all of it, for proofs.

use crate::error::Error;
use crate::frame::array;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{InclusionProof, RootHash};
use sha2::{Digest, Sha256};

/// The most events that a tree for proofs is made of: it takes 96 bytes an event.
pub const PROVABLE_EVENTS_MAX: u64 = 50_000_000;

const MAGIC: [u8; 8] = *b"XOJT\x01\0\0\0";
const LEAF: [u8; 1] = [0];
const NODE: [u8; 1] = [1];

/// The root of a tree, or a node of it.
pub type Hash = [u8; 32];

/// The data of an event's leaf.
pub fn leaf(seq: u64, stream: u64, body: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seq.to_le_bytes()).update(&stream.to_le_bytes()).update(body);
    *hasher.finalize().as_bytes()
}

fn hash(parts: [&[u8]; 3]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The right edge of a growing tree: one node for each bit of its size, the largest subtree first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// How many events it covers.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next event's leaf.
    pub fn push(&mut self, leaf: &Hash) {
        let mut node = hash([&LEAF, leaf, &[]]);
        // As many subtrees are complete now as the old size ends with ones.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.nodes.pop() {
                node = hash([&NODE, &left, &node]);
            }
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// The root of the tree: SHA-256 of nothing where it is empty.
    pub fn root(&self) -> Hash {
        let mut rest = self.nodes.iter().rev();
        let Some(last) = rest.next() else { return hash([&[], &[], &[]]) };
        rest.fold(*last, |right, left| hash([&NODE, left, &right]))
    }

    /// Its bytes, with a keyed check.
    pub(crate) fn encode(&self, key: &[u8; 32]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend(self.nodes.iter().flatten());
        let check = blake3::keyed_hash(key, &out);
        out.extend_from_slice(check.as_bytes());
        out
    }

    /// Reads what `encode` wrote; `None` for anything else.
    pub(crate) fn decode(bytes: &[u8], key: &[u8; 32]) -> Option<Self> {
        let (said, check) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        let nodes = said.get(16..)?;
        if said[..8] != MAGIC || blake3::keyed_hash(key, said) != blake3::Hash::from_bytes(array(check, 0)) {
            return None;
        }
        let size = u64::from_le_bytes(array(said, 8));
        let whole = nodes.len() == 32 * size.count_ones() as usize;
        whole.then(|| Self { size, nodes: nodes.chunks_exact(32).map(|node| array(node, 0)).collect() })
    }
}

/// All of a tree, in memory.
#[derive(Default)]
pub struct Tree(MemoryBackedTree<Sha256, Hash>);

impl Tree {
    /// Adds the next event's leaf.
    pub fn push(&mut self, leaf: Hash) -> Result<(), Error> {
        if self.0.len() >= PROVABLE_EVENTS_MAX {
            let why = format!("a proof is made over at most {PROVABLE_EVENTS_MAX} events");
            return Err(Error::Option { name: "number of events", why });
        }
        self.0.push(leaf);
        Ok(())
    }

    /// How many events it covers.
    pub fn size(&self) -> u64 {
        self.0.len()
    }

    /// Its root.
    pub fn root(&self) -> Hash {
        (*self.0.root().as_bytes()).into()
    }

    /// The proof that event `seq` (from 1) is in it; `None` if it is not.
    pub fn prove(&self, seq: u64) -> Option<Vec<u8>> {
        let index = seq.checked_sub(1).filter(|index| *index < self.size())?;
        let index = usize::try_from(index).ok()?;
        Some(self.0.prove_inclusion(index).as_bytes().to_vec())
    }
}

/// Whether `proof` shows that event `seq` with the leaf `leaf` is under `root` of a tree of `size` events.
pub fn is_included(root: Hash, size: u64, seq: u64, leaf: &Hash, proof: Vec<u8>) -> bool {
    let Some(index) = seq.checked_sub(1) else { return false };
    // Beyond this the library's tree has no indices.
    if size > u64::MAX / 4 {
        return false;
    }
    let Ok(proof) = InclusionProof::<Sha256>::try_from_bytes(proof) else { return false };
    RootHash::<Sha256>::new(root.into(), size).verify_inclusion(leaf, index, &proof).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(size: u64) -> (Frontier, Tree) {
        let (mut frontier, mut tree) = (Frontier::default(), Tree::default());
        for seq in 1..=size {
            let leaf = leaf(seq, seq % 3, &seq.to_le_bytes());
            frontier.push(&leaf);
            tree.push(leaf).unwrap();
        }
        (frontier, tree)
    }

    #[test]
    fn the_edge_and_the_whole_tree_have_one_root_at_every_size() {
        for size in 0..70 {
            let (frontier, tree) = grown(size);
            assert_eq!((frontier.root(), frontier.size()), (tree.root(), tree.size()), "{size} events");
        }
    }

    #[test]
    fn the_root_of_one_leaf_is_the_hash_that_the_rfc_says() {
        let mut frontier = Frontier::default();
        frontier.push(&[7; 32]);
        let mut bytes = vec![0];
        bytes.extend([7; 32]);
        assert_eq!(frontier.root(), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn an_event_is_proved_at_its_own_place_and_nowhere_else() {
        let (_, tree) = grown(37);
        for seq in 1..=37_u64 {
            let its = leaf(seq, seq % 3, &seq.to_le_bytes());
            let proof = tree.prove(seq).unwrap();
            assert!(is_included(tree.root(), 37, seq, &its, proof.clone()));
            assert!(!is_included(tree.root(), 37, seq % 37 + 1, &its, proof.clone()), "at another place");
            assert!(!is_included(tree.root(), 38, seq, &[0; 32], proof.clone()), "another event");
            assert!(!is_included(tree.root(), 37, seq, &its, proof[..proof.len() - 1].to_vec()), "cut short");
        }
        assert_eq!((tree.prove(0), tree.prove(38)), (None, None));
    }

    #[test]
    fn an_edge_comes_back_under_its_key_only() {
        let (frontier, _) = grown(13);
        let bytes = frontier.encode(&[1; 32]);
        assert_eq!(Frontier::decode(&bytes, &[1; 32]), Some(frontier));
        assert_eq!(Frontier::decode(&bytes, &[2; 32]), None);
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(Frontier::decode(&other, &[1; 32]), None, "byte {at}");
            assert_eq!(Frontier::decode(&bytes[..at], &[1; 32]), None, "cut at {at}");
        }
    }
}
