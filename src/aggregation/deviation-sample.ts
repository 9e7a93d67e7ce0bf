import { spread } from './variance.ts'

/** The square root of the variance of a sample. Null below two values. */
export const deviationSample = spread('deviationSample', 'sample', Math.sqrt)
