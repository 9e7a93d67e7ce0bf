"""Makes src/aggregation/exact-sum.cases.json: hostile sums of doubles with the bits of Python's math.fsum.

Doubles are 16 hexadecimal digits of their big-endian bits, joined without a separator. Where math.fsum gives up on an
intermediate overflow, the sum of exact fractions gives the answer (infinite from halfway beyond the largest double).

    python3 scripts/make-fsum-cases.py > src/aggregation/exact-sum.cases.json
"""

import json
import math
import random
import struct
import sys
from fractions import Fraction

LARGEST = sys.float_info.max
TINY = 5e-324
random.seed(20_260_105)


def bits(value):
    return struct.pack(">d", value).hex()


def exact(values):
    total = sum(map(Fraction, values), Fraction(0))
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def correct(values):
    try:
        answer = math.fsum(values)
        if all(map(math.isfinite, values)):
            assert answer == exact(values), values
        return answer
    except (OverflowError, ValueError):
        special = {value for value in values if not math.isfinite(value)}
        if not special:
            return exact(values)
        return special.pop() if len(special) == 1 else math.nan


cases = []


def case(name, values, shuffles=0):
    cases.append((name, list(values)))
    for number in range(shuffles):
        shuffled = list(values)
        random.shuffle(shuffled)
        cases.append((f"{name}, shuffled {number + 1}", shuffled))


case("nothing", [])
case("zero", [0.0])
case("minus zero", [-0.0, -0.0])
case("opposite zeros", [0.0, -0.0])
case("one tenth ten times", [0.1] * 10)
case("1, 1e100, 1, -1e100", [1.0, 1e100, 1.0, -1e100], 5)
case("1e16, 1, 1", [1e16, 1.0, 1.0], 3)
case("1e16, 1, 1e-16", [1e16, 1.0, 1e-16], 3)
case("two thirds cancelled", [1 / 3, 2 / 3, -1.0], 3)
case("smallest subnormal", [TINY])
case("smallest subnormals cancelled", [TINY, -TINY])
case("many subnormals", [TINY] * 100 + [-TINY] * 99, 2)
case("subnormals to normal", [2.0**-1023] * 2 + [TINY], 3)
case("1 and the smallest", [1.0, TINY])
case("1 and the smallest, less 1", [1.0, TINY, -1.0], 3)
case("from end to end", [LARGEST, TINY, -LARGEST], 3)
case("largest", [LARGEST])
case("largest, less than half a unit more", [LARGEST, 2.0**969], 1)
case("largest, half a unit more", [LARGEST, 2.0**970], 1)
case("largest, just below half a unit more", [LARGEST, 2.0**970, -TINY], 3)
case("largest, just above half a unit more", [LARGEST, 2.0**970, TINY], 3)
case("intermediate overflow", [1e308, 1e308, -1e308], 3)
case("intermediate overflow, twice", [LARGEST, LARGEST, -LARGEST, -LARGEST, 3.0], 5)
case("negative overflow on the way", [-LARGEST, -LARGEST, LARGEST, LARGEST, TINY], 5)
case("overflow", [LARGEST, LARGEST])
case("overflow downwards", [-LARGEST, -LARGEST, 1e300], 3)
case("infinity", [math.inf, 1.0, -LARGEST], 2)
case("minus infinity", [-math.inf, 1e308, 1e308], 2)
case("both infinities", [math.inf, -math.inf, 1.0], 2)
case("not a number", [math.nan, 1.0], 1)

for exponent in (-1022, -1000, -537, -53, -1, 0, 1, 52, 500, 900, 970):
    one = 2.0**exponent
    half = one * 2.0**-53
    odd = one + one * 2.0**-52
    case(f"half a unit above 2^{exponent}", [one, half], 1)
    case(f"half a unit above the odd neighbour of 2^{exponent}", [odd, half], 1)
    case(f"a little above half a unit above 2^{exponent}", [one, half, max(half * 2.0**-60, TINY)], 3)
    case(f"a little below half a unit above 2^{exponent}", [one, half, -max(half * 2.0**-60, TINY)], 3)
    case(f"half a unit below 2^{exponent}", [one, -half / 2], 1)
    case(f"a little above half a unit, in tiny parts, above 2^{exponent}", [one, half / 2, half / 4, half / 4, TINY], 2)

for count in (2, 3, 5, 10, 30, 100):
    for spread in (1, 30, 300, 1000):
        values = [random.choice((-1, 1)) * random.random() * 2.0 ** random.randint(-spread, min(spread, 1000)) for _ in range(count)]
        case(f"{count} random, 2^-{spread} to 2^{spread}", values, 1)
        case(f"{count} random, 2^-{spread} to 2^{spread}, cancelled but the last", values + [-value for value in values[:-1]], 1)

for number in range(20):
    values = [random.gauss(0, random.lognormvariate(0, 20)) for _ in range(random.randint(3, 60))]
    values.append(-math.fsum(values))
    case(f"what the rounded sum leaves {number + 1}", values, 1)

for number in range(20):
    raw = [struct.unpack(">d", random.randbytes(8))[0] for _ in range(random.randint(2, 40))]
    case(f"random bits {number + 1}", [value for value in raw if math.isfinite(value)], 1)

case("prices", [random.randint(1, 100_000) / 100 for _ in range(400)], 1)
case("sensor", [20 + random.gauss(0, 0.01) for _ in range(400)], 1)
case("harmonic", [1 / n for n in range(1, 401)], 1)
case("alternating powers", [(-2.0) ** n for n in range(-1074, 1000, 3)], 1)
case("alternating powers with company", [(-1.0) ** n * 2.0**n * 1.5 for n in range(-1070, 1000, 7)] * 2, 1)

table = [{"name": name, "values": "".join(map(bits, values)), "sum": bits(correct(values) + 0.0)} for name, values in cases]
print(json.dumps(table, indent=2))
