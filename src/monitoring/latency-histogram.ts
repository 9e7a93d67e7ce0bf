import type { Metric, MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client'

/** Seconds, the upper bounds of buckets: from what an embedded store takes to what a client waits for. */
const bounds = Float64Array.of(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

/** How many times of some labels fell into each bucket. */
export class Latencies {
  /** Of each bucket alone, the last one being that of all that took longer. */
  readonly counts = new Float64Array(bounds.length + 1)
  sum = 0

  observe(seconds: number): void {
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] as number)) bucket++
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sum += seconds
  }
}

/** A histogram of seconds that Prometheus reads, counted in arrays: the one of its client takes several microseconds for a value. */
export class LatencyHistogram {
  readonly #name: string
  readonly #help: string
  readonly #all: { readonly labels: Readonly<Record<string, string>>; readonly latencies: Latencies }[] = []

  constructor(name: string, help: string, registry: Registry) {
    this.#name = name
    this.#help = help
    registry.registerMetric({ name, get: () => Promise.resolve(this.#told()) } as unknown as Metric)
  }

  /** What counts the times of labels that no other has: to be asked for once. */
  add(labels: Readonly<Record<string, string>>): Latencies {
    const latencies = new Latencies()
    this.#all.push({ labels, latencies })
    return latencies
  }

  #told(): Omit<MetricObjectWithValues<MetricValueWithName<string>>, 'collect'> {
    const values: MetricValueWithName<string>[] = []
    for (const { labels, latencies } of this.#all) {
      let total = 0
      for (const [bucket, count] of latencies.counts.entries()) {
        total += count
        values.push({ metricName: `${this.#name}_bucket`, labels: { le: bounds[bucket] ?? '+Inf', ...labels }, value: total })
      }
      values.push({ metricName: `${this.#name}_sum`, labels, value: latencies.sum })
      values.push({ metricName: `${this.#name}_count`, labels, value: total })
    }
    return { name: this.#name, help: this.#help, type: 'histogram' as never, values, aggregator: 'sum' }
  }
}
