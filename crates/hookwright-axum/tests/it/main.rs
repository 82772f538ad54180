//! The router, mounted in a product that runs for real.

#[cfg(test)]
mod bookstore;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod mounting;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod verified;
