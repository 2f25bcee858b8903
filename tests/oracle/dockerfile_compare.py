"""Compares what two parsers saw, file by file. Arguments are compared by the rules' own tests: the two keep them differently."""
import json
import sys


def read(path):
    files, name = {}, None
    for line in open(path, encoding="utf-8", newline="\n"):
        line = line.rstrip("\n")
        if line.startswith("file "):
            name = line[5:]
            files[name] = []
        elif line.startswith("["):
            row = json.loads(line)
            if len(row) == 7:
                row = [row[0].upper(), row[1], row[2], row[3], row[5], row[6]]
            files[name].append(row)
        else:
            files[name].append(line)
    return files


theirs, ours = read(sys.argv[1]), read(sys.argv[2])
different = [name for name in theirs if theirs[name] != ours[name]]
accepted = sum(rows[-1] == "accepted" for rows in theirs.values())
print(f"{len(theirs)} files, {accepted} of them accepted by BuildKit: {len(different)} differ")
for name in different[:12]:
    print("---", name.rsplit("/", 1)[-1])
    print(open(name, encoding="utf-8", errors="replace").read())
    for a, b in zip(theirs[name] + [None] * 99, ours[name] + [None] * 99):
        if a != b:
            print("  theirs", a)
            print("  ours  ", b)
            break
sys.exit(1 if different else 0)
