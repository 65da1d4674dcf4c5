//! Locking a mutex, whoever panicked while holding it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a mutex guards, also when somebody panicked while holding it: the panic itself is told of elsewhere.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
