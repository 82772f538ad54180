//! The crate as its users see it: against published vectors, the reference library and hostile input.

// `cfg(test)` is always on here; it tells clippy that functions shared by tests may unwrap as tests do.
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod receivers;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod verifying;
