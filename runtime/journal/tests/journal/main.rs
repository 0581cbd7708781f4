//! The journal's promises, tried on memory, on real files, on damaged bytes and on a disk that forgets.
#[cfg(test)]
mod altered;
#[cfg(test)]
mod basics;
#[cfg(test)]
mod beside;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod decoders;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod erasing;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod mutate;
#[cfg(test)]
mod persons;
#[cfg(test)]
mod world;
