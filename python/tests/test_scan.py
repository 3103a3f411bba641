import html.parser
import importlib.metadata
import json
import os
import pickle
import subprocess
import sys
import typing
import unittest

import modelaudit_scanner
from modelaudit_scanner import ScannerError, UsageError, scan, scan_bytes
from harm import HarmTestCase


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "modelaudit_scanner", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **options,
    )


class Command(HarmTestCase):
    def test_the_console_command_scans_and_ends_with_the_exit_code(self):
        name = "modelaudit-scanner" + (".exe" if os.name == "nt" else "")
        script = os.path.join(os.path.dirname(sys.executable), name)
        for data, code in ((self.harmless, 0), (self.harmful, 1)):
            ran = subprocess.run([script, self.path("model.pkl", data)], stdout=subprocess.PIPE)
            self.assertEqual(ran.returncode, code)
        self.assertEqual(command("scan", "nosuch.pkl", cwd=self.folder).returncode, 2)

    def test_doctor_passes_in_the_installed_package(self):
        ran = command("doctor")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn("Total scanners:", ran.stdout)

    def test_version_of_the_package_is_that_of_the_program(self):
        version = importlib.metadata.version("modelaudit-scanner")
        self.assertEqual(modelaudit_scanner.__version__, version)
        self.assertEqual(command("version").stdout.split()[1], version)

    def test_reports_are_written_where_output_names_them(self):
        file = self.path("report.sarif")
        ran = command(self.path("model.pkl", self.harmful), "--output", "sarif=" + file)
        self.assertEqual(ran.returncode, 1, ran.stderr)
        with open(file, encoding="utf-8") as report:
            self.assertEqual(json.load(report)["version"], "2.1.0")

    def test_settings_of_the_working_directory_have_no_say(self):
        self.path("deno.json", b'{"imports": {"node:fs": "./evil.js"}}')
        self.path("package.json", b'{"type": "commonjs"}')
        self.path(".env", b"NO_COLOR=\n")
        ran = command(self.path("model.pkl", self.harmless), cwd=self.folder)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_the_process_of_the_guard_may_read_nothing_but_its_program(self):
        from modelaudit_scanner import _deno

        line = _deno.guard_command()
        allowed = [it for it in line if it.startswith("--allow")]
        self.assertEqual(allowed, ["--allow-read=" + _deno.PROGRAM])
        scanning = [it.split("=")[0] for it in _deno.command_line(["model.pkl"]) if it.startswith("--allow")]
        self.assertEqual(scanning, ["--allow-read", "--allow-env"])
        for remote in ("hf://org/model", "HTTPS://host/a.pkl", "s3://bucket/a.pkl", "--url", "--hf=org/model"):
            allowed = [it.split("=")[0] for it in _deno.command_line([remote]) if it.startswith("--allow")]
            self.assertEqual(allowed, ["--allow-read", "--allow-env", "--allow-net", "--allow-sys"], remote)
        for local in ("https:", "://x", "file://x", "hf", "--hfx"):
            self.assertNotIn("--allow-net", _deno.command_line([local]))


class Scan(HarmTestCase):
    def test_the_report_has_typed_files_and_issues(self):
        good, bad = self.path("good.pkl", self.harmless), self.path("bad.pkl", self.harmful)
        report = scan(good, bad)
        self.assertEqual([(it.path, it.verdict) for it in report], [(good, "clean"), (bad, "dangerous")])
        self.assertEqual((report.verdict, report.exit_code, report.risk_score), ("dangerous", 1, 10))
        self.assertRegex(repr(report), r"^<Report: dangerous, 2 files, \d+ issues, 0 errors>$")
        issue = report.issues[0]
        self.assertEqual((issue.severity, issue.safety_level, issue.path), ("critical", "dangerous", bad))
        self.assertIn("mkdir", issue.message)
        self.assertEqual(report.files[1].format, "pickle")
        for kind in (type(report), type(issue), type(report.files[0])):
            self.assertTrue(typing.get_type_hints(kind))

    def test_a_missing_file_is_an_error_of_the_report_and_the_others_are_scanned(self):
        report = scan(self.path("good.pkl", self.harmless), self.path("nosuch.pkl"))
        self.assertEqual([it.verdict for it in report], ["clean"])
        self.assertEqual([it.path for it in report.errors], [self.path("nosuch.pkl")])
        self.assertEqual(report.exit_code, 2)

    def test_progress_is_called_after_each_file_and_may_end_the_scan(self):
        for index in range(3):
            self.path(f"model{index}.pkl", self.harmless)
        seen = []
        scan(self.folder, progress=lambda it: seen.append((it.files_done, it.bytes_done)))
        self.assertEqual(seen, [(n, n * len(self.harmless)) for n in (1, 2, 3)])

        def stop(_):
            raise KeyError("enough")

        with self.assertRaises(KeyError):
            scan(self.folder, progress=stop)

    def test_wrong_options_and_configurations_are_usage_errors(self):
        with self.assertRaisesRegex(UsageError, "nonsense"):
            scan(self.folder, options=["--nonsense"])
        with self.assertRaisesRegex(UsageError, "wrong.toml"):
            scan(self.folder, config=self.path("wrong.toml", b"[pickle_rules.NONE]\n"))
        with self.assertRaisesRegex(UsageError, "wrong.toml"):
            scan_bytes(self.harmless, config=self.path("wrong.toml", b"[pickle_rules.NONE]\n"))
        with self.assertRaises(UsageError):
            scan_bytes(self.harmless, config=self.path("nosuch.toml"))

    def test_names_that_look_like_options_or_streams_are_paths(self):
        before = os.getcwd()
        os.chdir(self.folder)
        try:
            for name in ("-", "--help", "-v.pkl"):
                self.path(name, self.harmful)
                self.assertEqual(scan(name).verdict, "dangerous", name)
        finally:
            os.chdir(before)

    def test_a_configuration_allows_what_is_ours(self):
        data = b"\x80\x02cours.models\nNet\n)\x81."
        config = self.path("ours.toml", b'allow = ["ours.models.*"]\n')
        self.assertEqual(scan_bytes(data, "model.pkl").verdict, "suspicious")
        self.assertEqual(scan_bytes(data, "model.pkl", config=config).verdict, "clean")
        self.assertEqual(scan(self.path("model.pkl", data), config=config).verdict, "clean")

    def test_bytes_of_any_buffer_are_scanned_by_what_they_are(self):
        for data in (self.harmful, bytearray(self.harmful), memoryview(self.harmful)):
            self.assertEqual(scan_bytes(data).verdict, "dangerous")
        with self.assertRaises(TypeError):
            scan_bytes("text")

    def test_the_dictionary_is_the_json_report_of_the_command_line(self):
        self.path("bad.pkl", self.harmful)
        self.path("good.pkl", self.harmless)
        self.path("cut.pkl", self.harmless[:-4])
        ours = scan(self.folder, self.path("nosuch.pkl")).to_dict()
        theirs = json.loads(command(self.folder, self.path("nosuch.pkl"), "--format", "json").stdout)
        for report in (ours, theirs):
            del report["start_time"], report["duration"]
        order = lambda it: (it["path"], str(it))
        for key in ("assets", "errors", "issues"):
            self.assertEqual(sorted(ours.pop(key), key=order), sorted(theirs.pop(key), key=order))
        self.assertEqual(ours, theirs)

    def test_no_deno_is_an_error_that_says_what_to_install(self):
        code = (
            "import sys; sys.modules['deno'] = None; import modelaudit_scanner as m\n"
            "try: m.scan('x')\nexcept m.ScannerError as error: print(error)"
        )
        ran = subprocess.run([sys.executable, "-c", code], env={"PATH": self.folder}, stdout=subprocess.PIPE)
        self.assertIn(b"pip install", ran.stdout)

    def test_a_process_that_is_ended_is_an_error_and_the_next_scan_has_another(self):
        from modelaudit_scanner import _scanner

        self.assertEqual(scan_bytes(self.harmless, "a.pkl").verdict, "clean")

        class Ending:
            size = 100

            def read_at(self, offset, length):
                process._process.kill()
                process._process.wait()
                return bytes(length)

        process = _scanner._take()
        _scanner._give(process)
        with self.assertRaises(ScannerError):
            _scanner.scan_held(Ending(), path="a.pkl")
        self.assertEqual(scan_bytes(self.harmless, "a.pkl").verdict, "clean")


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


class Notebook(HarmTestCase):
    def test_a_report_shows_itself_in_a_sandboxed_frame_with_an_origin_of_its_own(self):
        report = scan(self.path('"><script>alert(1)</script>.pkl'.replace("/", "\u2215"), self.harmful))
        page = Page()
        page.feed(report._repr_html_())
        self.assertEqual([tag for tag, _ in page.tags], ["iframe"])
        frame = page.tags[0][1]
        self.assertEqual(frame["sandbox"], "allow-scripts")
        self.assertNotIn("src", frame)
        inner = Page()
        inner.feed(frame["srcdoc"])
        self.assertEqual(frame["srcdoc"], report.to_html())
        policy = [it["content"] for tag, it in inner.tags if it.get("http-equiv") == "Content-Security-Policy"]
        self.assertTrue(policy[0].startswith("default-src 'none'"), policy)
        self.assertIn("os.mkdir", frame["srcdoc"].replace("posix.mkdir", "os.mkdir").replace("nt.mkdir", "os.mkdir"))


class Package(unittest.TestCase):
    def test_the_wheel_holds_the_package_and_its_program_and_nothing_else(self):
        files = [it.as_posix() for it in importlib.metadata.files("modelaudit-scanner")]
        allowed = (
            r"modelaudit_scanner/(_?\w+\.py|py\.typed)",
            r"modelaudit_scanner/_program/(cli|worker|guard|chunks/\w+)\.js",
            r"modelaudit_scanner/_program/sbom\.cdx\.json",
            r"modelaudit_scanner-[\w.]+\.dist-info/.*",
            r".*/__pycache__/.*",
            r"(\.\./)*(bin|Scripts)/modelaudit-scanner(\.exe)?",
        )
        for file in files:
            self.assertRegex(file, "^(" + "|".join(allowed) + ")$")
        for name in ("LICENSE", "LICENSE-7-Zip.txt", "LICENSE-unRAR.txt"):
            self.assertTrue(any(it.endswith("/" + name) for it in files), name)

    def test_deno_is_the_only_dependency(self):
        requires = importlib.metadata.requires("modelaudit-scanner")
        self.assertEqual(len(requires), 1)
        self.assertRegex(requires[0], r"^deno[<>=.,\d]+; ?python_version >= ['\"]3\.10['\"]$")


class Import(unittest.TestCase):
    def test_the_import_reads_neither_pickle_nor_the_guard(self):
        code = (
            "import sys; before = set(sys.modules); import modelaudit_scanner\n"
            "print(sorted(set(sys.modules) - before))"
        )
        ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, encoding="utf-8")
        for name in ("pickle", "subprocess", "json", "dataclasses", "asyncio", "deno"):
            self.assertNotIn(f"'{name}'", ran.stdout)

    def test_all_names_can_be_imported_and_others_cannot(self):
        for name in modelaudit_scanner.__all__:
            self.assertTrue(hasattr(modelaudit_scanner, name), name)
        self.assertFalse(hasattr(modelaudit_scanner, "nosuch"))
        root = os.path.dirname(modelaudit_scanner.__file__)
        self.assertTrue(os.path.exists(os.path.join(root, "py.typed")))


if __name__ == "__main__":
    unittest.main()
