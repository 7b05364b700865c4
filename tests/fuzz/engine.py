"""The native fuzzer: captures are changed, read by the compiled kernel and judged, all in machine code.

Each execution builds one input in ``scratch``, lays it against a page without access, and lets the kernel frame, decode
and count it from an empty table. An input that shows something new (a counter, a kind of packet, a fact of a flow) joins
the corpus. Knows the frames of words that kernel functions are called with; must not know how a kernel does its work.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from analyser.flows.layout import (
    F_FRAME,
    F_NEED,
    F_POS,
    F_PREVIOUS,
    F_TRUST,
    FILL_BATCH,
    FILL_CLOSED,
    FILL_LOST,
    RESYNC_FOUND,
    S_FLOWS,
    S_PATHS,
    S_PAYLOADS,
    S_QUOTES,
    S_SEED,
    S_WATCHED,
    S_WATCHED_BYTES,
    UPDATE_DONE,
    UPDATE_TABLE,
)

LARGEST: Final = 4096
"""Bytes of an input."""
RECORDS: Final = 64

GOOD, HANG, PLACE, PACKET, TABLE, SPLIT, REASON = range(7)
VERDICTS: Final = ("good", "does not end", "reads beyond the block", "impossible packet", "table beyond its bounds",
                   "another result when the block ends elsewhere", "unknown reason")  # fmt: skip

HINTS: Final = np.array(
    [0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 14, 15, 16, 17, 20, 28, 41, 43, 44, 47, 50, 51, 58, 60, 0x45, 0x4F, 0x60, 0x7F, 0x80,
     0x81, 0x86, 0x88, 0xAA, 0xDD, 97, 115, 128, 129, 134, 135, 136, 137, 255], np.uint8,
)  # fmt: skip
"""Bytes that mean something in headers: versions, lengths, protocols, EtherTypes."""
NUMBERS: Final = np.array(
    [0, 1, 3, 4, 7, 8, 11, 12, 15, 16, 20, 27, 28, 32, 0xFF, 0x100, 0x5DC, 0x600, 0x800, 0x806, 0x86DD, 0x8100, 0x8847,
     0x8864, 0x6558, 0x88BE, 0x7FFF, 0x8000, 0xFFFF, 4789, 6081, 1 << 24, (1 << 24) + 1, (1 << 31) - 1, 1 << 31,
     (1 << 32) - 1], np.int64,
)  # fmt: skip
"""Numbers that break those who believe a length, and types of what follows."""

native = njit(nogil=True, cache=True, error_model="numpy")


def _call(_typing: Any, _address: Any, frame: Any) -> Any:
    """Call the kernel function at an address with a frame of words, whose last word is scratch."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[1])(context, builder, args[1])
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(64)
        kind = ir.FunctionType(ir.IntType(32), [byte, byte, word.as_pointer()]).as_pointer()
        last = builder.sub(builder.extract_value(array.shape, 0), word(1))
        scratch = builder.bitcast(builder.gep(array.data, [last]), byte)
        builder.call(builder.inttoptr(args[0], kind), [scratch, scratch, array.data])
        return context.get_dummy_value()

    return types.void(types.int64, frame), code


call: Final[Any] = intrinsic(_call)
"""``call(address, frame)``."""


@native
def below(rng: Any, n: Any) -> Any:
    """Return the next random number from 0 to ``n`` - 1 (xorshift64*)."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return np.int64(((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)) % np.uint64(n))


@native
def number(data: Any, at: Any, big: Any) -> Any:
    """Read 32 bits."""
    value = np.int64(0)
    for i in range(4):
        value |= np.int64(data[at + i]) << (8 * (3 - i) if big else 8 * i)
    return value


@native
def put(data: Any, at: Any, value: Any, count: Any, big: Any) -> Any:
    """Write ``count`` bytes."""
    for i in range(count):
        data[at + i] = np.uint8((value >> (8 * (count - 1 - i) if big else 8 * i)) & 0xFF)


@native
def walk(data: Any, length: Any, ng: Any, big: Any, places: Any) -> Any:
    """Note where records begin; return how many."""
    at = np.int64(0)
    n = 0
    while n < places.shape[0] and at + 16 <= length:
        places[n] = at
        n += 1
        step = number(data, at + (4 if ng else 8), big) + (0 if ng else 16)
        if step < 12 or step > LARGEST:
            break
        at += step
    return n


@native
def moved(data: Any, length: Any, at: Any, shift: Any) -> Any:
    """Make room for ``shift`` bytes at ``at`` (negative: take them out); return the new length."""
    if shift > 0:
        shift = min(shift, LARGEST - length)
        for i in range(length - 1, at - 1, -1):
            data[i + shift] = data[i]
    else:
        shift = -min(-shift, length - at)
        for i in range(at - shift, length):
            data[i + shift] = data[i]
    return length + shift


@native
def change(rng: Any, data: Any, length: Any, ng: Any, big: Any, places: Any, corpus: Any, other: Any, size: Any) -> Any:
    """Change ``data`` once, mostly where headers stand; ``other`` and ``size`` are another entry of the corpus."""
    n = walk(data, length, ng, big, places)
    record = places[below(rng, n)] if n else np.int64(0)
    at = below(rng, length) if length else np.int64(0)
    if n and below(rng, 4):
        at = min(record + below(rng, 120), max(length - 1, 0))
    what = below(rng, 14)
    if length < 16 or what == 0:  # put something of another entry behind
        count = min(size, LARGEST - length)
        for i in range(count):
            data[length + i] = corpus[other + i]
        return length + count
    if what <= 2:
        data[at] ^= np.uint8(1 << below(rng, 8))
    elif what == 3:
        data[at] = np.uint8(below(rng, 256))
    elif what <= 5:
        data[at] = HINTS[below(rng, HINTS.shape[0])]
    elif what == 6 and at + 2 <= length:
        put(data, at, NUMBERS[below(rng, NUMBERS.shape[0])], 2, True)
    elif what == 7:  # a length, a time or a type of the framing
        field = record + 4 * below(rng, 8)
        if field + 4 <= length:
            put(data, field, NUMBERS[below(rng, NUMBERS.shape[0])], 4, big)
    elif what == 8:
        data[at] = np.uint8(np.int64(data[at]) + below(rng, 9) - 4)
    elif what == 9:
        return moved(data, length, at, -1 - below(rng, 16))
    elif what == 10:
        grown = moved(data, length, at, 1 + below(rng, 16))
        for i in range(at, at + grown - length):
            data[i] = HINTS[below(rng, HINTS.shape[0])]
        return grown
    elif what == 11 and size:  # a piece of another entry
        start = below(rng, size)
        for i in range(min(1 + below(rng, 64), size - start, length - at)):
            data[at + i] = corpus[other + start + i]
    elif what == 12:  # a packet captured shorter, the framing intact
        head = 28 if ng else 16
        field = record + (20 if ng else 8)
        if record + head <= length:
            caught = number(data, field, big)
            if 0 < caught <= length - record - head:
                left = below(rng, caught)
                put(data, field, left, 4, big)
                if not ng:
                    return moved(data, length, record + 16 + left, left - caught)
    else:
        return at if below(rng, 4) == 0 else length
    return length


@native
def bucket(n: Any) -> Any:
    """Return the number of bits of ``n``."""
    bits = 0
    while n > 0:
        n >>= 1
        bits += 1
    return bits


@native
def note(features: Any, a: Any, b: Any, c: Any) -> Any:
    """Note a feature; return 1 if it is new."""
    h = (np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(b)) * np.uint64(0xBF58476D1CE4E5B9) ^ np.uint64(c)
    place = np.int64((h * np.uint64(0x94D049BB133111EB)) >> np.uint64(44))
    new = 1 - np.int64(features[place])
    features[place] = 1
    return new


@native
def digest(h: Any, words: Any, count: Any) -> Any:
    """Return a hash of the first ``count`` words."""
    for i in range(count):
        h = (h ^ words[i]) * np.uint64(0x9E3779B97F4A7C15)
        h ^= h >> np.uint64(29)
    return h


@native
def read_packets(reason_n: Any, packets: Any, length: Any, st: Any, features: Any) -> Any:
    """Judge decoded packets; return how many features are new, or -1."""
    new = 0
    for i in range(reason_n):
        k = packets[i]
        outside = k.caught > 0 and (k.offset < 0 or k.offset + k.caught > length)
        if outside or k.caught < 0 or k.length < k.caught or k.side > 1 or k.path >= st[S_PATHS] or k.ip_bytes < 0:
            return -1
        new += note(features, 1, np.int64(k.k4 & np.uint64(0xFFFF)), np.int64(k.kind) << 8 | np.int64(k.version))
        new += note(features, 2, np.int64(k.flags), np.int64(k.kind) << 8 | np.int64(bucket(k.length)))
        new += note(features, 3, np.int64(k.vlan > 0) << 1 | np.int64(k.caught < k.length), k.kind)
    return new


@native
def read_flows(flows: Any, sides: Any, payloads: Any, st: Any, features: Any) -> Any:
    """Return how many features of the flows are new."""
    new = 0
    for n in range(st[S_FLOWS]):
        r = flows[n]
        new += note(features, 4, np.int64(r.letters), np.int64(r.k4 & np.uint64(0xFF)))
        new += note(features, 5, np.int64(r.flags), np.int64(r.icmp))
        for i in range(2):
            s = sides[2 * n + i]
            new += note(features, 6, bucket(s.nsyn) << 16 | bucket(s.nsynack) << 8 | bucket(s.nrst), bucket(s.dups))
            if s.payload >= 0:
                d = payloads[np.int64(s.payload)]
                seen = np.int64(d.rtx > 0) | np.int64(d.gap > 0) << 1 | np.int64(d.after_rst > 0) << 2
                new += note(features, 7, seen | np.int64(d.repeats > 0) << 3, bucket(d.rtx_run))
    return new


@native
def execute(
    functions: Any, fill: Any, update: Any, resync: Any, address: Any, length: Any, cut: Any, sizes: Any, profile: Any,
    profiles: Any, first_rows: Any, source: Any, interfaces: Any, packets: Any, flows: Any, sides: Any, payloads: Any,
    flow_words: Any, side_words: Any, payload_words: Any, bounds: Any, cleared: Any, st: Any, fresh: Any, features: Any,
    out: Any,
) -> Any:  # fmt: skip
    """Read one input of ``length`` bytes at ``address``; the block ends at ``cut`` first. Returns a verdict.

    ``sizes``: places of the batch size in both frames, and how large the batch is; place of what opens tunnels in ``fill``,
    its address, and that with which it begins (0: it stops where the first packet is to be opened). ``out``: features that were new, the
    hash of the result, whether damage was met, packets in flows.
    """
    for array in cleared:
        array[:] = 0
    st[:] = fresh
    source[:] = profiles[profile]
    interfaces[0] = first_rows[profile]
    fill[2] = address
    fill[3] = length
    fill[sizes[0]] = sizes[2]
    fill[sizes[3]] = sizes[5]
    update[2] = address
    update[3] = length
    update[sizes[1]] = sizes[2]
    resync[2] = address
    resync[3] = length
    out[:] = 0
    end = cut
    for _ in range(2 * length + 64):
        before = source[F_POS]
        fill[4] = end
        call(functions[0], fill)
        reason, n = fill[0], fill[1]
        if not before <= source[F_POS] <= end or n < 0 or n > sizes[2]:
            return PLACE
        new = read_packets(n, packets, length, st, features)
        if new < 0:
            return PACKET
        out[0] += new
        i = np.int64(0)
        tries = 0
        while i < n:
            tries += 1
            if tries > 8 + n:
                return HANG
            update[6] = i
            update[7] = n
            call(functions[1], update)
            i = update[1]
            if update[0] == UPDATE_DONE:
                break
            if update[0] == UPDATE_TABLE or i > n or i < 0:
                return REASON
            st[S_WATCHED] = st[S_WATCHED_BYTES] = st[S_QUOTES] = 0
        for b in range(bounds.shape[0]):
            if st[bounds[b, 0]] > bounds[b, 1] or st[bounds[b, 0]] < 0:
                return TABLE
        if reason == FILL_CLOSED:
            if fill[sizes[3]] != 0:
                return REASON
            fill[sizes[3]] = sizes[4]
            continue
        if n == sizes[2] or (n > 0 and reason == FILL_LOST):
            continue
        if reason == FILL_BATCH:
            return REASON
        if reason != FILL_LOST and end < length:
            end = length
            continue
        here = source[F_POS]
        if reason != FILL_LOST and here == end:
            break
        out[2] = 1
        resync[4] = here if reason == FILL_LOST else here + 1
        resync[5] = here if reason == FILL_LOST else -1
        resync[6] = length
        resync[7] = 1
        call(functions[2], resync)
        end = length
        if resync[0] != RESYNC_FOUND:
            break
        if resync[1] < here or resync[1] > length:
            return PLACE
        source[F_POS] = resync[1]
        source[F_PREVIOUS] = -1
    else:
        return HANG
    out[0] += read_flows(flows, sides, payloads, st, features)
    for w in range(st.shape[0]):
        if st[w] != fresh[w]:
            out[0] += note(features, 8, w, bucket(st[w]))
    for n in range(2 * st[S_FLOWS]):
        out[3] += np.int64(sides[n].pkts)
    h = digest(np.uint64(1), flow_words, st[S_FLOWS] * flow_words.shape[0] // flows.shape[0])
    h = digest(h, side_words, 2 * st[S_FLOWS] * side_words.shape[0] // sides.shape[0])
    h = digest(h, payload_words, st[S_PAYLOADS] * payload_words.shape[0] // payloads.shape[0])
    for w in range(st.shape[0]):
        if w != S_SEED and w != S_WATCHED and w != S_WATCHED_BYTES and w != S_QUOTES:
            h = (h ^ np.uint64(st[w])) * np.uint64(0x9E3779B97F4A7C15)
    for w in range(source.shape[0]):
        if w != F_POS and w != F_NEED and w != F_TRUST and w != F_PREVIOUS:
            h = (h ^ np.uint64(source[w])) * np.uint64(0x9E3779B97F4A7C15)
    out[1] = np.int64(h >> np.uint64(1))
    return GOOD


@native
def fuzz(
    count: Any, rng: Any, now: Any, scratch: Any, corpus: Any, entries: Any, kept: Any, flags: Any, guard: Any, sides_of: Any,
    functions: Any, fill: Any, update: Any, resync: Any, sizes: Any, profiles: Any, first_rows: Any, source: Any,
    interfaces: Any, packets: Any, flows: Any, sides: Any, payloads: Any, flow_words: Any, side_words: Any,
    payload_words: Any, bounds: Any, cleared: Any, st: Any, fresh: Any, features: Any, totals: Any, sums: Any,
) -> Any:  # fmt: skip
    """Run ``count`` executions; return the verdict of the first that is not good.

    ``entries``: start, length and profile of each entry of ``corpus``; ``kept``: entries, bytes. ``flags``: whether a profile
    is a pcapng, and big-endian. ``now``: executions so far, length and profile of the input in ``scratch``. ``totals`` and
    ``sums`` (frames, packets in flows, split runs) add up over executions.
    """
    places = np.zeros(RECORDS, np.int64)
    out = np.zeros(4, np.int64)
    batch = sizes[2]
    for _ in range(count):
        chosen = below(rng, kept[0])
        if kept[0] > 32 and below(rng, 2):
            chosen = kept[0] - 1 - below(rng, min(kept[0], 200))  # what was found last leads on most often
        start, length, profile = entries[chosen]
        for i in range(length):
            scratch[i] = corpus[start + i]
        if below(rng, 8) == 0:
            other = below(rng, profiles.shape[0])
            if flags[other, 0] == flags[profile, 0]:
                profile = other
        for _ in range(1 << below(rng, 5)):
            partner = below(rng, kept[0])
            length = change(
                rng, scratch, length, flags[profile, 0], flags[profile, 1], places, corpus, entries[partner, 0],
                entries[partner, 1],
            )  # fmt: skip
        now[1] = length
        now[2] = profile
        now[0] += 1
        side = below(rng, 2)
        shift = guard.shape[1] - length if side else 0
        for i in range(length):
            guard[side, shift + i] = scratch[i]
        address = sides_of[side] + shift
        found = 0
        whole: Any = np.int64(0)
        for attempt in range(2):
            cut = length if attempt == 0 else below(rng, length + 1)
            sizes[2] = batch if attempt == 0 else 1 + below(rng, batch)
            sizes[5] = 0 if attempt == 0 else sizes[4]
            verdict = execute(
                functions, fill, update, resync, address, length, cut, sizes, profile, profiles, first_rows, source,
                interfaces, packets, flows, sides, payloads, flow_words, side_words, payload_words, bounds, cleared, st,
                fresh, features, out,
            )  # fmt: skip
            sizes[2] = batch
            if verdict != GOOD:
                return verdict
            if attempt == 1:
                sums[2] += 1
                if out[2] == 0 and out[1] != whole:
                    return SPLIT
            else:
                whole = out[1]
                found = out[0]
            for i in range(st.shape[0]):
                totals[i] += st[i] - fresh[i]
            sums[0] += source[F_FRAME]
            sums[1] += out[3]
            if out[2]:  # behind damage the end of the block matters: what cannot be told yet waits for more bytes
                break
        if found and kept[0] < entries.shape[0] and kept[1] + length <= corpus.shape[0] and length <= 2048:
            for i in range(length):
                corpus[kept[1] + i] = scratch[i]
            entries[kept[0], 0] = kept[1]
            entries[kept[0], 1] = length
            entries[kept[0], 2] = profile
            kept[0] += 1
            kept[1] += length
    return GOOD
