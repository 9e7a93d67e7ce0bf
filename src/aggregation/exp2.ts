/** ln(2)^n / n! / sqrt(2): the Taylor series of 2^(x - 1) around x = 1/2. Its remainder is below 2^-57 of the value. */
const coefficients = [
  Math.SQRT1_2,
  0.4901290717342736,
  0.16986579209153746,
  0.03924733162061035,
  0.006801044314331813,
  0.0009428249382684685,
  0.00010891940795373224,
  1.0785311504483997e-5,
  9.344760325992282e-7,
  7.196993636633317e-8,
  4.9885758477402514e-9,
  3.1434702580641764e-10,
  1.815739622126023e-11,
  9.68134461313564e-13,
]

/**
 * 2^(fraction - 1) for a fraction from 0 to below 1, so from 1/2 to 1, within two units in the last place. Only + and *
 * in a fixed order: the same bits on every machine, which `Math.pow` and `Math.exp` do not promise.
 */
export function halfPowerOfTwo(fraction: number): number {
  const x = fraction - 0.5
  let value = 0
  for (let index = coefficients.length - 1; index >= 0; index--) value = value * x + (coefficients[index] as number)
  return value
}
