//! The router, mounted in a product that runs for real.

#[cfg(test)]
mod bookstore;
#[cfg(test)]
mod mounting;
