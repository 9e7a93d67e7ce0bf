import { spread } from './variance.ts'

/** The mean of the squared distances from the mean, rounded once. Null of nothing. */
export const variancePopulation = spread('variancePopulation', 'population', (variance) => variance)
