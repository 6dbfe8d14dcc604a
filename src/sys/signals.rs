//! Signals as flags that loops look at.

use super::{SysError, SysResult};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Says whether somebody asked us to stop.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    number: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Takes SIGINT, SIGTERM and SIGHUP from now on; they only set the flag. A second SIGINT ends the process.
    pub fn install() -> SysResult<Self> {
        let interrupt = Self::default();
        let twice = Arc::new(AtomicBool::new(false));
        let flagged = |e: std::io::Error| SysError::Other(format!("Signals could not be taken: {e}"));
        signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&twice)).map_err(flagged)?;
        signal_hook::flag::register(SIGINT, twice).map_err(flagged)?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&interrupt.number), number)
                .map_err(flagged)?;
        }
        Ok(interrupt)
    }

    /// The signal that came, if one came.
    pub fn signal(&self) -> Option<i32> {
        match self.number.load(Ordering::Relaxed) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }

    /// Asks to stop as if this signal had come: whoever works behind a screen is asked by a key.
    pub fn raise(&self, signal: i32) {
        self.number.store(usize::try_from(signal).unwrap_or_default(), Ordering::Relaxed);
    }

    /// Whether a signal came.
    pub fn is_set(&self) -> bool {
        self.signal().is_some()
    }
}

/// Calls `wake` on a thread of its own whenever one of the signals of [`Interrupt`] comes or the terminal changes its
/// size: who waits for something else hears of it.
pub fn on_attention(wake: impl Fn() + Send + 'static) -> SysResult<()> {
    let taken = |e: std::io::Error| SysError::Other(format!("Signals could not be taken: {e}"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGWINCH]).map_err(taken)?;
    std::thread::spawn(move || signals.forever().for_each(|_| wake()));
    Ok(())
}

/// How long after the first a second request to stop is heard as a second one: git passes its own on to us.
const IMPATIENT: Duration = Duration::from_secs(1);

impl Interrupt {
    /// For who draws on a terminal and waits for something else than signals: as [`Interrupt::install`], calling
    /// `wake` on a thread of its own whenever a signal came, the size of the terminal changed, or we go on after a
    /// stop. `leave` gives the terminal back: before a stop by Ctrl-Z, and before who is asked to end for the second
    /// time ends at once.
    pub fn install_waking(
        wake: impl Fn() + Send + 'static,
        leave: impl Fn() + Send + 'static,
    ) -> SysResult<Self> {
        let taken = |e: std::io::Error| SysError::Other(format!("Signals could not be taken: {e}"));
        let interrupt = Self::default();
        let number = Arc::clone(&interrupt.number);
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT, SIGTSTP]).map_err(taken)?;
        std::thread::spawn(move || {
            let mut asked: Option<Instant> = None;
            for signal in signals.forever() {
                match signal {
                    SIGWINCH | SIGCONT => {}
                    SIGTSTP => {
                        leave();
                        let _ = emulate_default_handler(signal);
                    }
                    _ => {
                        if asked.is_some_and(|first| first.elapsed() > IMPATIENT) {
                            leave();
                            let _ = emulate_default_handler(signal);
                        }
                        asked = asked.or(Some(Instant::now()));
                        number.store(usize::try_from(signal).unwrap_or_default(), Ordering::Relaxed);
                    }
                }
                wake();
            }
        });
        Ok(interrupt)
    }
}

/// Takes SIGHUP from now on and ignores it; returns a flag that SIGTERM and SIGINT set.
pub fn outlive_terminal() -> SysResult<Arc<AtomicBool>> {
    let flagged = |e: std::io::Error| SysError::Other(format!("Signals could not be taken: {e}"));
    let hangup = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGHUP, hangup).map_err(flagged)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(flagged)?;
    }
    Ok(stop)
}
