import subprocess

subprocess.Popen(['echo', 'helper'])
