"""Check blackstart's evidence without blackstart: python3 check_evidence.py FOLDER [KEY.pem [HEAD]]
Needs Python 3.11 and `cryptography`; written from docs/evidence.md, which lists what is left out, and docs/measuring.md alone. All hashes,
chains and signatures, RTA, RPA, losses and verdict are recomputed. Exits 0 if all agrees, 1 if not, 3 if a verdict could not be recomputed."""
import base64, bisect, fcntl, hashlib, itertools, json, struct, sys
from collections import Counter, defaultdict
from pathlib import Path
PEM, RANK, faults, notes = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA%s\n-----END PUBLIC KEY-----\n", ("missed", "inconclusive", "met"), [], []
FORMS, KINDS, NAMES = {"blackstart/ledger/1", "blackstart/report/1", "blackstart/report/2"}, {"opened", "closed", "plan_changed", "recorded", "key_rotated", "pruned"}, ["plan.yaml", "charter.json", "ledger.jsonl", "undo.jsonl", "report.json", "report.html", "report.md"]
def fault(when, what):
    faults.extend([what] * bool(when))
def canonical(line, *without):
    return json.dumps({n: line[n] for n in line if n not in without}, sort_keys=True, separators=(",", ":")).encode()
def signed(public, signature, content, *without):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), canonical(content, *without))
    except Exception:  # no signature, no key, or not by this key over this content
        return False
    return signature == signature.lower()
def public_hex(path):
    raw = base64.b64decode((pem := path.read_bytes())[43:87])
    fault(PEM % base64.b64encode(raw) != pem, f"{path.name} is not, byte for byte, an Ed25519 public key in PEM")
    return raw.hex()
def held(folder):  # its plan, by a lock that only somebody who may write there can have
    if not (plan := folder / "plan.yaml").is_file():
        return False
    with plan.open() as at:
        return struct.unpack("h30x", fcntl.fcntl(at, fcntl.F_OFD_GETLK, struct.pack("h30x", fcntl.F_RDLCK)))[0] != fcntl.F_UNLCK

def check_chain(root, given, head):
    keys, before, any_signed, lines, words = [public_hex(p) if (p := root / "public_key.pem").is_file() else None], "0" * 64, False, {}, {}
    for number, raw in enumerate((root / "chain.jsonl").read_bytes().splitlines(keepends=True)):
        line, where = json.loads(raw), f"chain line {number + 1}"
        here = raw == canonical(line) + b"\n" and (line["seq"], line["prev"], line["schema"]) == (number, before, "blackstart/chain/1")
        fault(not here or line["kind"] not in KINDS, f"{where} was edited or moved, a line before it is missing, or its form is not known here")
        lines[before := hashlib.sha256(raw).hexdigest()] = line
        any_signed |= bool(line["signature"] or line["key"] or line["kind"] == "key_rotated")
        fault(any_signed and not signed(keys[-1], line["signature"], line, "signature"), f"{where} is not signed by its key")
        if line["kind"] == "key_rotated":
            keys.append(line["new_public"])
            fault(keys[-2] != line["old_public"] or not signed(keys[-1], line["proof"], line, "proof", "signature"), f"{where} lacks one of the keys")
        elif line["kind"] == "recorded" and ((by := line["entry"]["by"])["signature"] or by["public"]):
            about = {n: line[n] for n in ("plan", "run", "drill", "utc")} | {"entry": {**line["entry"], "by": {**by, "signature": None}}}
            fault(not signed(by["public"], by["signature"], about), f"{where} is not what {by['name']!a} signed")
            fault(words.setdefault(canonical(about), raw) is not raw, f"{where} says again what {by['name']!a} signed once: replayed")
    foreign, told = not any_signed or (given or keys[0]) not in keys, faults if keys[0] or given else notes
    told.extend(["NOT SIGNED by the key given or here: whoever can write here can rewrite it"] * foreign)
    (faults if head else notes).extend(["HEAD NOT ANCHORED: no head kept elsewhere shows that the newest runs are here"] * (head not in lines))
    return lines

def check_run(folder, opened, closed, kept):  # `closed`: None while it is still running; `kept`: what a pruning left of the files
    found = {path.relative_to(folder).as_posix(): hashlib.file_digest(path.open("rb"), "sha256").hexdigest() for path in folder.rglob("*") if path.is_file()}
    running, closed = closed is None, closed or {**opened, "source": "abandoned", "verdict": "inconclusive", "files": found}
    listed, verdict, given_up = closed["files"], closed["verdict"], closed["source"] == "abandoned" or "report.json" not in closed["files"]
    wrong = [name for name in found.keys() | listed.keys() & (listed if kept is None else kept) if found.get(name) != listed.get(name)]
    wrong += [n for n in listed if n.removesuffix(".new") not in NAMES or n.endswith((".html", ".md")) > ("report.json" in listed)]  # what nobody computes again
    wrong += [name for name in ("plan", "drill", "folder", "plan_sha256") if opened[name] != closed[name]]
    wrong += [n for n, sha256 in (("plan.yaml", opened["plan_sha256"]), ("charter.json", opened.get("charter_sha256"))) if listed.get(n) != sha256 and (n in listed or closed["source"] != "abandoned")]
    faults.extend(f"{folder.name}: {name!a} was edited, added, deleted or swapped" for name in wrong)
    fault(given_up and verdict != "inconclusive", f"{folder.name}: {verdict!a}, although it was given up or has no report")
    if wrong or given_up or kept is not None:
        return f"{verdict}; " + ("STILL RUNNING" if running else "given up, or without a report: nothing is proven" if given_up else "NOT JUDGED here")
    for name, ours, stored in measure(folder / "ledger.jsonl", json.loads((folder / "report.json").read_bytes()), opened, closed):
        wrong = RANK.index(stored) > RANK.index(ours) if name.startswith("verdict") else ours != stored
        fault(wrong, f"{folder.name}: {name} is {stored!a} in its report, {ours!a} in chain or ledger")
    return f"{verdict}; from its ledger: {ours}{name.removeprefix('verdict')}"

def measure(ledger, report, opened, closed):
    told, before, broken, figures, answers = defaultdict(list), "0" * 64, [], {}, {}
    for seq, raw in enumerate(ledger.open("rb")):
        end = json.loads(raw)
        broken += [seq + 1] * ((end["seq"], end["prev"]) != (seq, before))
        before = hashlib.sha256(raw).hexdigest()
        told[end["kind"], end.get("stream", end.get("event"))].append(end)
    header, said = told["header", None][0], [one["detail"]["verdict"] for one in told["event", "check"]]
    fault({header["schema"], report["schema"]} - FORMS, f"{ledger.parent.name}: the form of its report or its ledger is not known here")
    yield from (("run, plan or drill", [opened[n] for n in ("run", "plan", "plan_sha256", "drill")], [it["run"], *(it["plan"][n] for n in ("name", "sha256")), it["drill"]["name"]]) for it in (header, report))
    yield "ending", [closed["verdict"], closed["files"][ledger.name], broken], [report["verdict"], report["ledger"]["sha256"], []]
    f0, f1, effective = ([one | one["detail"] for one in told["event", f"fault_{name}"]] for name in ("begin", "end", "effective"))
    f0, f1, late = *(each[0]["ns"] if each else 0 for each in (f0, f1)), [one["detail"] for one in told["event", "frozen"]] or [header]
    late, judged = late[0]["late_ns"], {(one["subject"], one["objective"]): one["verdict"] for one in report["judgements"]}
    here = header["drill"]["fault"]["kind"] != "none" and not any(one.get("act") == "delete" for each in told.values() for one in each)
    holds = end["kind"] == "end" and end["reason"] != "aborted" and not told["event", "aborted"] and (not here or (late and f0 and f1 and effective and all(one["holds"] for one in effective)))
    old = [one for each in header["streams"] if each["role"] == "old_primary" for one in told["operation", each["name"]] if one["outcome"] == "acknowledged"]
    times, points = ({one["stream"]: one for one in report[what]} for what in ("recovery_times", "recovery_points"))
    for stream in (one for one in header["streams"] if here and holds and one["role"] in ("clients", "marks")):
        name, clients = stream["name"], stream["role"] == "clients"
        sent = [(one["sent_ns"], one["completed_ns"], one["outcome"] == "acknowledged", one) for one in told["operation", name]]
        bad = sorted(s for s, c, ok, _ in sent if c >= f0 and not (ok and c - s <= late))
        good = itertools.groupby(sorted({s for s, *_ in sent if s >= f0}.difference(bad)), lambda s, bad=bad: bisect.bisect(bad, s))
        run = next((at for at, each in good if (its := [*each])[-1] - max(its[0], f1) >= header["stable_ns"]), None)
        last = max(bad[:run], default=-1)
        b = min(((c, s) for s, c, ok, _ in sent if ok and s > max(last, f1)), default=None) if clients and run is not None else None
        named, own = [(one["address"], c) for _, c, ok, one in sent if ok and one["act"] != "read"], {one["address"] for one in old if one["completed_ns"] < f0} - {None}
        new = {who for who, _ in named} - (before := {who for who, c in named if c < f0}) - own - {None}
        answers |= {b[0]: new} if b and before & own and {one["address"] for s, c, ok, one in sent if ok and (c, s) == b} <= new else {}
        unseen = max((c - s for (s, _), (_, c) in itertools.pairwise([(f0, f0), *sorted((s, c) for s, c, *_ in sent if s >= f0)]) if b and last < 0 and s < max(its[0], f1) + header["stable_ns"]), default=0)
        figures[name, "rto"] = max(0, last - f1) / 1e9, b and max(b[0] - f0, unseen) / 1e9, False, False
        yield f"RTA of {name}", [*(its := figures[name, "rto"])[:2]], [times[name][f"{n}_seconds"] for n in ("lower", "upper")] if clients else [its[0], None]
        rows, back = [row for one in told["read", name] for row in one["rows"]], (told["readback", name] or [{"end": False}])[-1]
        writes = {one["number"]: (s, c, ok, one["payload"]) for s, c, ok, one in sent if one["act"] == "write"}
        elsewhere = b and (at := back.get("address")) and not {None, at} & {one["address"] for s, _, ok, one in sent if ok and s >= b[1]}
        if not back["end"] or back["error"] or back["count"] != len(rows) or elsewhere or not (writes or name in points):
            continue
        acked, seen, its = {n: w for n, w in writes.items() if w[2]}, Counter(n for n, _ in rows), points[name]
        twice = sorted(n for n, count in seen.items() if count > 1 and any(0 <= n - one["first"] < one["count"] for one in told["intents", name]))
        lost, point, corrupt = sorted(acked.keys() - seen.keys()), (0, 0), sorted({n for n, payload in rows if n in writes and writes[n][3] != payload})
        if gone := sorted(acked[n][1] for n in lost):
            g = max((c for _, c, *_ in acked.values() if c < gone[0]), default=None)
            point = (max(f0, gone[-1]) - gone[0]) / 1e9, None if g is None else (max(f1, gone[-1]) - g) / 1e9
        stored = its["lower_seconds"], point[1] if its["unrecorded"] else its["upper_seconds"], [one["number"] for one in its["lost"]]
        yield f"RPA of {name}", (*point, lost, corrupt, twice), (*stored, its["corrupt"], its["duplicated"])
        figures[name, "rpo"] = *point, any(corrupt + twice) or any(b and acked[n][0] > b[1] for n in lost), bool(lost)
    for one in header["judged"] if here else ():
        low, high, harmed, gone = figures.get((one["stream"], one["objective"]), (0, None, False, False))
        missed = (low > one["seconds"] and not report["instrument"]["void"]) or harmed or (gone and not one["seconds"])
        said.append("missed" if missed else "met" if high is not None and high <= one["seconds"] else "inconclusive")
        yield f"verdict on {one['objective']}", said[-1], judged[one["subject"], one["objective"]]
    said += ["missed"] * any(one["sent_ns"] > min(answers) and one["address"] not in set().union(*answers.values()) for one in old if answers)
    good = {"passed": True, "machine": header.get("machine"), "judge": header["judge"], "losses_missed": 0, "outages_outside": 0}
    fit = good.items() <= (c := header.get("calibration") or {}).items() and c["age_seconds"] <= 30 * 86_400 and c["outages"] and c["losses"]
    said += ["met" if fit and holds and header["judged"] and end["reason"] != "orphaned" else "inconclusive"]
    yield "verdict" + " AT BEST, for it was NOT RECOMPUTED" * (not here), min(said, key=RANK.index), report["verdict"]

def main(folder, key="", head=""):
    root, runs, closed, pruned, unproven = Path(folder), {}, {}, {}, []
    for path in (p for p in root.rglob("*") if p.is_symlink() or not (p.is_file() or (p.is_dir() and (p.parent == root or any(p.iterdir()))))):
        raise ValueError(f"{path.relative_to(root).as_posix()!a} is not a plain file")
    for line in (lines := check_chain(root, public_hex(Path(key)) if key else None, head)).values():
        kind, run, entry = {"opened": runs, "closed": closed}.get(line["kind"], {}), line.get("run"), line.get("entry", {})
        wrong = kind.setdefault(run, line) is not line or (run and run not in runs and line["kind"] != "plan_changed")
        foreign = entry.get("what") == "sign_off" and closed.get(run, 0) is not lines.get(entry["closed"])
        fault(wrong or foreign, f"run {run} is {line['kind']} twice, or before it was opened, or signed off as another closing")
        pruned.update({run: line.get("kept", ()) for run in line["runs"]} if line["kind"] == "pruned" else {})
    for path in root.iterdir():
        plain, folders = ("chain.lock", "chain.jsonl", "public_key.pem")[path.stat().st_size > 0:], (line["folder"] for line in runs.values())
        fault(path.name not in (plain if path.is_file() else folders), f"{path.name!a} is not in the chain, or is a lock that is not empty")
    odd = [run for run in runs.keys() ^ closed.keys() if run not in runs or not held(root / runs[run]["folder"])]
    fault(odd, f"never finished or never opened: run {', '.join(odd)}")
    for run, line in ((run, line) for run, line in runs.items() if run not in odd):
        print(line["folder"], said := check_run(root / line["folder"], line, closed.get(run), pruned.get(run)))
        unproven += [line["folder"]] * ("NOT" in said and not said.startswith("inconclusive"))
    agrees = "agrees, but NOT RECOMPUTED: " + ", ".join(unproven) if unproven else "agrees in all that this check recomputes"
    print(*notes, *faults, "DIFFERS" if faults else agrees, sep="\n")
    return 1 if faults else 3 if unproven else 0
try:
    sys.exit(main(*sys.argv[1:4]) if sys.argv[1:] else __doc__)
except Exception as error:
    sys.exit("\n".join([*faults, f"DIFFERS, for it cannot be read: {type(error).__name__}: {error}"]))
