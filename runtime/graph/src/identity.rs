//! Which records are of one thing: compared by declared rules, weighed by what the data say, decided with a reason.
//!
//! Absent: a clock, files, floating numbers in anything that is kept or compared across machines, and any trace of the order
//! of records. Invariants: the records, the rules, the decisions and the model give the result, whatever the order in which
//! they came; two records that are not the same are never made so by what the order was; what was merged can be taken apart.
//!
//! The way through: [`normal`] makes values, [`table`] keeps them, [`block`] finds what is compared at all, [`compare`] gives
//! levels of agreement, [`learn`] estimates what they are worth, [`model`] weighs them, [`decide`] makes things of pairs,
//! [`batch`] does it at once and [`index`] record by record; [`explain`] says why, [`evaluate`] how well.
//!
//! The weights are those of Fellegi and Sunter, "A theory for record linkage" (1969), estimated by expectation and
//! maximisation as in Winkler (1988), with the frequencies of values as in Winkler (1989). What is ours is that two records
//! may also be alike because the things are related: see [`model`].

pub mod batch;
pub mod block;
pub mod bound;
pub mod compare;
pub mod decide;
pub mod declared;
pub mod evaluate;
pub mod explain;
pub mod fixed;
pub mod index;
pub mod learn;
pub mod model;
pub mod normal;
pub mod slots;
pub mod table;
