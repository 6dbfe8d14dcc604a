//! The binary: hands the arguments to the library and leaves with its exit code.

fn main() -> std::process::ExitCode {
    git_metawsm::cmd::run(std::env::args_os())
}
