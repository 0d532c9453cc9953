"""Check blackstart's evidence without blackstart: python3 check_evidence.py FOLDER [KEY.pem [HEAD]]

Needs Python 3.11 and `cryptography`; written from docs/evidence.md and docs/measuring.md alone. Recomputed: every hash,
chain and signature; RTA and RPA with bounds, lost, corrupt and duplicated writes and the verdict of drills whose fault took
hold. A stored verdict may be worse than ours, never better: stalls, control endpoints, missing outcomes, phantoms, overlapping
writes to an old primary, how it refused, phases, deletes, pages, drills without a fault of their own are not recomputed.
"""
import hashlib
import json
import sys
from bisect import bisect
from collections import Counter, defaultdict
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

RANK, faults = ("missed", "inconclusive", "met"), []

def canonical(line, *without):
    return json.dumps({n: line[n] for n in line if n not in without}, sort_keys=True, separators=(",", ":")).encode()

def signed(public, signature, content):
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return signature == signature.lower()

def public_hex(path):
    return load_pem_public_key(path.read_bytes()).public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

def check_chain(root, given, head):
    keys, before, any_signed, lines = [public_hex(p) if (p := root / "public_key.pem").is_file() else given], "0" * 64, False, {}
    for number, raw in enumerate((root / "chain.jsonl").read_bytes().splitlines(keepends=True)):
        line, where = json.loads(raw), f"chain line {number + 1}"
        if raw != canonical(line) + b"\n" or (line["seq"], line["prev"]) != (number, before):
            faults.append(f"{where} was edited or moved, or a line before it is missing")
        lines[before := hashlib.sha256(raw).hexdigest()] = line
        any_signed |= line["signature"] is not None
        if any_signed and not signed(keys[-1], line["signature"], canonical(line, "signature")):
            faults.append(f"{where} is not signed by the key that it should be")
        if line["kind"] == "key_rotated":
            keys.append(line["new_public"])
            if keys[-2] != line["old_public"] or not signed(keys[-1], line["proof"], canonical(line, "proof", "signature")):
                faults.append(f"{where} changes the key without both keys")
        elif line["kind"] == "recorded" and (by := line["entry"]["by"])["signature"]:
            said = line["entry"] | {"by": by | {"signature": None}}
            about = {name: line[name] for name in ("plan", "run", "drill", "utc")}
            if not signed(by["public"], by["signature"], canonical(about | {"entry": said})):
                faults.append(f"{where} is not what {by['name']} signed")
    faults.extend(["the chain is not signed by the key given"] * bool(given and not (given in keys and any_signed)))
    faults.extend(["the head kept elsewhere is not in the chain: its tail was cut"] * bool(head and head not in lines))
    return lines.values()

def check_run(root, opened, closed, kept):  # `kept`: all files, or what a pruning left of them
    folder, listed = root / opened["folder"], closed["files"]
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    wrong = [name for name in found.keys() | listed.keys() & kept if name not in found or not found[name].is_file() or found[
        name].is_symlink() or hashlib.file_digest(found[name].open("rb"), "sha256").hexdigest() != listed.get(name)]
    wrong += [name for name in ("plan", "drill", "folder", "plan_sha256") if opened[name] != closed[name]]
    for name, sha256 in (("plan.yaml", opened["plan_sha256"]), ("charter.json", opened.get("charter_sha256"))):
        wrong += [name] * (listed.get(name) != sha256 and (name in listed or closed["source"] != "abandoned"))
    faults.extend(f"{folder.name}: {name} was edited, added, deleted or swapped" for name in wrong)
    faults.extend([f"{folder.name}: unjudged"] * (kept is listed and "report.json" not in found and closed["verdict"] != RANK[1]))
    if wrong or kept is not listed or "report.json" not in found:
        return f"{closed['verdict']}; its ledger was not judged here"
    report = json.loads(found["report.json"].read_bytes())
    same = ("run", opened["run"], report["run"]), ("verdict in the chain", closed["verdict"], report["verdict"])
    for name, ours, stored in (*same, *measure(found["ledger.jsonl"], report)):
        if RANK.index(stored) > RANK.index(ours) if name == "verdict" else ours != stored:
            faults.append(f"{folder.name}: {name} is {stored} in its report, {ours} in its ledger")
    return f"{closed['verdict']}; from its ledger: {ours if name == 'verdict' else 'not recomputed here'}"

def measure(ledger, report):
    events, ops, rows, whole, said, before, header = {}, defaultdict(list), defaultdict(list), {}, [], "0" * 64, None
    for seq, raw in enumerate(ledger.open("rb")):
        one = json.loads(raw)
        kind, stream, header = one["kind"], one.get("stream"), header if seq else one
        if (one["seq"], one["prev"]) != (seq, before):
            yield "the ledger's chain", f"broken at line {seq + 1}", "unbroken"
        before = hashlib.sha256(raw).hexdigest()
        if kind == "event":
            events[one["event"]] = {**one["detail"], "ns": one["ns"]}
            said += [one["detail"]["verdict"]] if one["event"] == "check" else []
        elif kind == "operation":
            ops[stream].append({**one, "ok": one["outcome"] == "acknowledged"})
        elif kind == "read":
            rows[stream] += one["rows"]
        elif kind == "readback":
            whole[stream] = one["end"] and not one["error"] and one["count"] == len(rows[stream])
    f0, f1, late = (events.get(name, header) for name in ("fault_begin", "fault_end", "frozen"))
    broken = kind != "end" or "aborted" in events or not events.get("fault_effective", {}).get("holds")
    if any("delete" in (one["act"] for one in each) for each in ops.values()) or broken or header in (f0, f1) or header["drill"]["fault"]["kind"] == "none":
        return
    f0, f1, late, figures, answers = f0["ns"], f1["ns"], late["late_ns"], {}, []
    times, points = ({one["stream"]: one for one in report[what]} for what in ("recovery_times", "recovery_points"))
    for one in (one for one in header["streams"] if one["role"] in ("clients", "marks")):
        name, old, clients, runs = one["name"], one.get("restored"), one["role"] == "clients", defaultdict(list)
        bad = sorted(one["sent_ns"] for one in ops[name] if one["completed_ns"] >= f0 and not (
            one["ok"] and one["completed_ns"] - one["sent_ns"] <= late))
        for sent in {one["sent_ns"] for one in ops[name] if one["sent_ns"] >= f0}.difference(bad):
            runs[bisect(bad, sent)].append(sent)
        run = next((at for at in sorted(runs) if max(runs[at]) - max(min(runs[at]), f1) >= header["stable_ns"]), None)
        s = max(bad[:run], default=-1)
        after = [(one["completed_ns"], one["sent_ns"]) for one in ops[name] if one["ok"] and one["sent_ns"] > max(s, f1)]
        b = min(after) if after and run is not None and clients else None
        answers += b[:1] if b else ()
        figures[name, "rto"] = max(0, s - f1) / 1e9, b and (b[0] - f0) / 1e9, False, False
        for its in [times[name]] if clients else []:
            yield f"RTA of {name}", figures[name, "rto"][:2], (its["lower_seconds"], its["upper_seconds"])
        writes = {one["number"]: one for one in ops[name] if one["act"] == "write"}
        if whole.get(name) and (writes or name in points):
            acked, seen = {n: one for n, one in writes.items() if one["ok"]}, Counter(n for n, _ in rows[name])
            lost, point = sorted(acked.keys() - seen.keys()), (0, 0)
            harm = (sorted({n for n, payload in rows[name] if n in writes and writes[n]["payload"] != payload}),
                    sorted(n for n, count in seen.items() if count > 1))
            if gone := sorted((acked[n]["completed_ns"], acked[n]["sent_ns"]) for n in lost):
                o, g = gone[0]
                g = max((one["completed_ns"] for one in acked.values() if one["completed_ns"] < o), default=clients and not old and g)
                point = (max(f0, gone[-1][0]) - o) / 1e9, (max(f1, gone[-1][0]) - g) / 1e9 if g is not False else None
            its, numbers = points[name], [one["number"] for one in points[name]["lost"]]
            yield f"RPA of {name}", (*point, lost, *harm), (its["lower_seconds"], point[1] if its[
                "unrecorded"] else its["upper_seconds"], numbers, its["corrupt"], its["duplicated"])
            figures[name, "rpo"] = *point, any(harm) or any(b and acked[n]["sent_ns"] > b[1] for n in lost), bool(lost)
    for one in header["judged"]:
        low, high, harmed, gone = figures.get((one["stream"], one["objective"]), (0, None, False, False))
        missed = (low > one["seconds"] and not report["instrument"]["void"]) or harmed or (gone and not one["seconds"])
        said.append("missed" if missed else "met" if high is not None and high <= one["seconds"] else "inconclusive")
    old = [one for each in header["streams"] if each["role"] == "old_primary" for one in ops[each["name"]] if one["ok"]]
    said += ["missed"] * any(one["sent_ns"] > min(answers) for one in old if answers)
    c, at = header.get("calibration") or {"passed": False}, (header.get("machine"), header["judge"], 0, 0)
    said += ["inconclusive"] * (not c["passed"] or c["age_seconds"] > 30 * 86_400 or at != (
        *(c[name] for name in ("machine", "judge", "losses_missed", "outages_outside")),))
    yield "verdict", min(said or ["inconclusive"], key=RANK.index), report["verdict"]

folder, key, head, *_ = (*(sys.argv[1:] or sys.exit(__doc__)), None, None)
root, runs, closed, pruned = Path(folder), {}, {}, {}
for line in check_chain(root, public_hex(Path(key)) if key else None, head):
    {"opened": runs, "closed": closed}.get(line["kind"], {})[line.get("run")] = line
    pruned.update({run: line.get("kept", ()) for run in line["runs"]} if line["kind"] == "pruned" else {})
known = {"chain.jsonl", "chain.lock", "public_key.pem"} | {line["folder"] for line in runs.values()}
faults.extend(f"{name} is not in the chain" for name in {path.name for path in root.iterdir()} - known)
faults.extend(f"{line['folder']} was never finished" for run, line in runs.items() if run not in closed)
for run, line in ((run, line) for run, line in runs.items() if run in closed):
    print(line["folder"], check_run(root, line, closed[run], pruned.get(run, closed[run]["files"])))
print(*faults, "DIFFERS" if faults else "agrees", sep="\n")
sys.exit(bool(faults))
