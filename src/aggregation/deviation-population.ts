import { spread } from './variance.ts'

/** The square root of the variance of the population. Null of nothing. */
export const deviationPopulation = spread('deviationPopulation', 'population', Math.sqrt)
