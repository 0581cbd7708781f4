//! What the manifests ask of systems and make of their answers.

#[cfg(test)]
mod broken;
#[cfg(test)]
mod cards;
#[cfg(test)]
mod clouds;
#[cfg(test)]
mod directories;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod sights;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vendors;
#[cfg(test)]
mod vocabulary;
