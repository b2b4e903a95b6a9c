/**
 * The files of tests that a run with a resident leaves out, each with the reason: what they look at
 * is how a command goes that starts hull itself.
 *
 * @module
 */

/** By path, from the top. */
export const COLD_FILES: Readonly<Record<string, string>> = {
  "tests/integration/doctor_test.ts": "is of a command that looks at its own process",
  "tests/integration/failures_test.ts": "calls hull in its own process",
  "tests/integration/inspect_logs_test.ts": "is of commands that read in their own process",
  "tests/integration/install_test.ts": "installs",
  "tests/integration/launcher_test.ts": "is of what starts a command without a resident",
  "tests/integration/first_files_test.ts": "has a bundle of its own",
  "tests/integration/networks_faults_test.ts": "counts the calls of hull's own process",
  "tests/integration/resident_bounds_test.ts": "has residents of its own",
  "tests/integration/resident_callers_test.ts": "has residents of its own",
  "tests/integration/resident_left_test.ts": "has residents of its own",
  "tests/integration/resident_test.ts": "has residents of its own",
  "tests/integration/resident_units_test.ts": "has residents of its own",
  "tests/clients/shim_cri_test.ts": "calls no command of hull",
  "tests/clients/shim_ports_test.ts": "calls no command of hull",
  "tests/clients/shim_installed_test.ts": "calls no command of hull",
  "tests/clients/shim_test.ts": "calls no command of hull",
};
