//! The binary: hands the arguments to the library and leaves with its exit code.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|word| word == "agent") {
        return git_metawsm::sessions::dispatch(&args[1..]);
    }
    ExitCode::SUCCESS
}
