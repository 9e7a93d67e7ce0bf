import type { AggregateFunction } from './aggregate.ts'
import { average } from './average.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { countDistinct } from './count-distinct.ts'
import { countDistinctApproximate } from './count-distinct-approximate.ts'
import { decayedCount } from './decayed-count.ts'
import { decayedSum } from './decayed-sum.ts'
import { deviationPopulation } from './deviation-population.ts'
import { deviationSample } from './deviation-sample.ts'
import { first } from './first.ts'
import { firstN } from './first-n.ts'
import { histogram } from './histogram.ts'
import { last } from './last.ts'
import { lastDistinctN } from './last-distinct-n.ts'
import { lastN } from './last-n.ts'
import { maximum } from './maximum.ts'
import { minimum } from './minimum.ts'
import { quantile } from './quantile.ts'
import { quantileApproximate } from './quantile-approximate.ts'
import { rate } from './rate.ts'
import { sum } from './sum.ts'
import { topK } from './top-k.ts'
import { topKBySum } from './top-k-by-sum.ts'
import { variancePopulation } from './variance-population.ts'
import { varianceSample } from './variance-sample.ts'

/** Every aggregate function by its name; own keys only, so that names such as `constructor` find nothing. */
export const aggregateFunctions: Readonly<Record<string, AggregateFunction>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, AggregateFunction>, {
    average,
    collect,
    count,
    countDistinct,
    countDistinctApproximate,
    decayedCount,
    decayedSum,
    deviationPopulation,
    deviationSample,
    first,
    firstN,
    histogram,
    last,
    lastDistinctN,
    lastN,
    maximum,
    minimum,
    quantile,
    quantileApproximate,
    rate,
    sum,
    topK,
    topKBySum,
    variancePopulation,
    varianceSample,
  }),
)
