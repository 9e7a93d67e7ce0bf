import { spread } from './variance.ts'

/** The unbiased estimate of the variance (divisor n - 1), rounded once. Null below two values. */
export const varianceSample = spread('varianceSample', 'sample', (variance) => variance)
