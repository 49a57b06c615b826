"""lit's shell test format with the round-trip run (a module of its own because lit sends it to its workers)."""
import lit.formats


class RoundTripFormat(lit.formats.ShTest):
    """Only the quick tests that call qopt; those in `known_failures` must fail."""

    def __init__(self, known_failures):
        super().__init__(execute_external=False)
        self.known_failures = known_failures

    @staticmethod
    def read_known_failures(path):
        with open(path) as file:
            lines = (line.split("#")[0].strip() for line in file)
            return frozenset(line for line in lines if line)

    def getTestsInDirectory(self, suite, path, lit_config, local_config):
        for test in super().getTestsInDirectory(suite, path, lit_config, local_config):
            with open(test.getSourcePath(), errors="replace") as file:
                text = file.read().splitlines()
            if any("RUN:" in line and "qopt" in line for line in text) and not any(
                    "REQUIRES:" in line and "integration" in line for line in text):
                yield test

    def execute(self, test, lit_config):
        if "/".join(test.path_in_suite) in self.known_failures:
            test.xfails = test.xfails + ["*"]
        return super().execute(test, lit_config)
