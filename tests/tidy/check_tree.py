# SPDX-License-Identifier: Apache-2.0
"""House rules that can be read off the tree: who may include whom, licence lines, file length, coroutine traps.

    check_tree.py [ROOT]       checks the tree, names each line at fault
    check_tree.py --self-test  plants one fault of each kind and wants every one reported
"""
import os
import re
import sys
import tempfile

ALLOWED = {
    "base": {"base"},
    "protocol": {"base", "protocol"},
    "remoting": {"base", "protocol", "remoting"},
    "commitlog": {"base", "protocol", "commitlog"},
    "consumequeue": {"base", "protocol", "commitlog", "consumequeue"},
    "nameserver": {"base", "protocol", "remoting", "nameserver"},
    "client": {"base", "protocol", "remoting", "client"},
    "broker": {"base", "protocol", "remoting", "commitlog", "consumequeue", "broker"},
    "tools": {"base", "protocol", "remoting", "commitlog", "consumequeue", "client", "tools"},
    "examples": {"client"},
}
MODULES = set(ALLOWED)
ANYTHING = {"tests"}
TOP = MODULES | ANYTHING | {"docs", "scripts", "cmake", "packaging", ".ci", "build", ".git"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
LINES_MAX = 500
# Longer files and why that is one subject.
LONG_FILES = {}


def source_files(root):
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in ("build", ".git", "node_modules", "target") and not name.startswith("build-")]
        for name in files:
            if name.endswith((".h", ".cc")):
                yield os.path.relpath(os.path.join(folder, name), root)


def check_file(root, path):
    faults = []
    module = path.split(os.sep)[0]
    with open(os.path.join(root, path), encoding="utf-8") as file:
        lines = file.read().split("\n")
    if not lines[0].startswith("// SPDX-License-Identifier: Apache-2.0"):
        faults.append(f"{path}:1: no SPDX licence line")
    if len(lines) > LINES_MAX + 1 and path not in LONG_FILES:
        faults.append(f"{path}:{len(lines)}: longer than {LINES_MAX} lines: look for the second subject")
    wires = os.path.basename(path) == "main.cc"
    statement = ""
    for number, line in enumerate(lines, 1):
        included = INCLUDE.match(line)
        if included:
            target = included.group(1)
            owner = target.split("/")[0]
            if "/" not in target or owner not in MODULES | ANYTHING:
                if not target.endswith("_generated.h"):
                    faults.append(f'{path}:{number}: "{target}" is not rooted in a module')
            elif module in MODULES and not wires and owner not in ALLOWED[module]:
                faults.append(f"{path}:{number}: {module}/ may not include {owner}/")
            elif target.endswith("main.cc"):
                faults.append(f"{path}:{number}: nothing includes a main.cc")
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line.split("//")[0])
        statement += " " + code
        if ";" in code or "{" in code.rstrip()[-1:] or "}" in code.rstrip()[-1:]:
            if "co_await" in statement:
                after = statement[statement.index("co_await"):]
                if re.search(r"co_await[^;]*\w\s*\{[^;{}]*\}", after) or re.search(r"\?[^;]*co_await", statement):
                    faults.append(f"{path}:{number}: a braced aggregate or ?: in a statement with co_await (g++ 12 destroys twice)")
            statement = ""
        if re.search(r"\b(TODO|FIXME)\b", line):
            faults.append(f"{path}:{number}: work left open in the code")
    return faults


def is_wiring(path):
    """Files that put the parts together may include any of them; nothing includes them back."""
    name = os.path.basename(path)
    return name == "main.cc" or name.startswith("wiring_") or path == os.path.join("broker", "broker.cc")


def room(folder):
    """`x/detail` is part of `x`."""
    return folder[:-len("/detail")] if folder.endswith("/detail") else folder


def folder_cycles(root):
    """Folders within a module must not include each other in a circle."""
    arrows = {}
    for path in source_files(root):
        folder = room(os.path.dirname(path))
        if folder.split(os.sep)[0] not in MODULES or is_wiring(path):
            continue
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for line in file:
                included = INCLUDE.match(line)
                if included and "/" in included.group(1):
                    target = room(os.path.dirname(included.group(1)))
                    if target != folder and target.split("/")[0] in MODULES:
                        arrows.setdefault(folder, {}).setdefault(target, path)
    faults = []
    done = set()

    def visit(folder, trail):
        if folder in trail:
            circle = trail[trail.index(folder):] + [folder]
            faults.append("folders include each other in a circle: " + " -> ".join(circle) + f" (see {arrows[circle[0]][circle[1]]})")
            return
        if folder in done:
            return
        for target in sorted(arrows.get(folder, {})):
            visit(target, trail + [folder])
        done.add(folder)

    for folder in sorted(arrows):
        visit(folder, [])
    return sorted(set(faults))


def check_tree(root):
    faults = []
    for name in sorted(os.listdir(root)):
        if os.path.isdir(os.path.join(root, name)) and name not in TOP:
            faults.append(f"{name}/: no such folder in the layout")
    for path in sorted(source_files(root)):
        faults += check_file(root, path)
    return faults + folder_cycles(root)


def self_test():
    plants = {
        "commitlog/bad_arrow.cc": '// SPDX-License-Identifier: Apache-2.0\n#include "consumequeue/x.h"\n',
        "base/no_licence.h": "#pragma once\n",
        "broker/awaits.cc": "// SPDX-License-Identifier: Apache-2.0\nauto x = co_await f(A{s, 1});\n",
        "client/long.cc": "// SPDX-License-Identifier: Apache-2.0\n" + "\n" * 600,
        "tools/unrooted.cc": '// SPDX-License-Identifier: Apache-2.0\n#include "x.h"\n',
        "junk/readme.txt": "",
        "broker/a/one.h": '// SPDX-License-Identifier: Apache-2.0\n#include "broker/b/two.h"\n',
        "broker/b/two.h": '// SPDX-License-Identifier: Apache-2.0\n#include "broker/a/one.h"\n',
    }
    wanted = ["may not include consumequeue/", "no SPDX", "co_await", "longer than", "not rooted", "no such folder", "in a circle"]
    with tempfile.TemporaryDirectory() as root:
        for path, text in plants.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        faults = check_tree(root)
    missed = [text for text in wanted if not any(text in fault for fault in faults)]
    for text in missed:
        print(f"planted fault not reported: {text}")
    print(f"{len(wanted) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else os.getcwd()
    faults = check_tree(root)
    for fault in faults:
        print(fault)
    print(f"{0 if faults else 1} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
