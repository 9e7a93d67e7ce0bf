import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Duck } from '../../src/offline/index.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

export interface LargeProject {
  readonly groups: number
  readonly features: number
  readonly views: number
}

const featuresOfGroup = 10
const groupsOfModule = 20
const rowsOfSource = 2_000

const things = ['user', 'item', 'shop', 'driver', 'card', 'device', 'city', 'campaign', 'seller', 'ticket']
const acts = ['order', 'click', 'search', 'payment', 'refund', 'visit', 'message', 'rating', 'delivery', 'login']
const amounts = ['value', 'cost', 'weight', 'duration', 'discount']
const teams = ['growth', 'fraud', 'search', 'payments', 'logistics']
const windows = ['5m', '30m', '1h', '6h', '1d', '7d', '30d', '90d']

/** Writes the definitions of a company: modules of groups with their sources, entities and views, as people would write them, and small histories. */
export async function writeLargeProject(folder: string, groups: number): Promise<LargeProject> {
  await using duck = await Duck.open()
  const random = seededRandom(5)
  const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T
  mkdirSync(join(folder, 'definitions'), { recursive: true })
  mkdirSync(join(folder, 'data'), { recursive: true })
  const entities = things.map(
    (name) => `export const ${name} = entity('${name}', { ${name}_id: t.string() }, { description: 'One ${name}.' })`,
  )
  writeFileSync(join(folder, 'definitions', 'entities.ts'), `import { entity, t } from 'lockstep'\n\n${entities.join('\n')}\n`)
  let views = 0
  for (let module = 0; module * groupsOfModule < groups; module++) {
    const [thing, act] = [things[module % things.length] as string, acts[Math.floor(module / things.length) % acts.length] as string]
    const source = `${thing}_${act}_events_${module}`
    const lines = [
      `import { average, count, entity, events, featureGroup, featureView, last, maximum, parquet, ratio, sum, t } from 'lockstep'`,
      `import { ${thing} } from './entities.ts'`,
      '',
      `export const ${source} = events('${source}', {`,
      `  columns: { event_id: t.string(), ${thing}_id: t.string(), kind: t.string(), ${amounts.map((name) => `${name}: t.float()`).join(', ')}, at: t.timestamp() },`,
      `  time: 'at', id: 'event_id', history: parquet('data/${source}.parquet'), owner: '${pick(teams)}', description: 'Each ${act} of a ${thing}.',`,
      '})',
    ]
    const names: string[] = []
    for (let index = 0; index < groupsOfModule && module * groupsOfModule + index < groups; index++) {
      const name = `${thing}_${act}s_${module * groupsOfModule + index}`
      names.push(name)
      const features = Array.from({ length: featuresOfGroup }, (_, feature) => {
        const [amount, window, kind] = [pick(amounts), pick(windows), `kind_${random(20)}`]
        const where = `.where(row.kind.eq('${kind}'))`
        const number = `${module * groupsOfModule + index}_${feature}`
        const forms = [
          `${thing}_${act}_${number}_count_${window}: count()${where}.over('${window}')`,
          `${thing}_${amount}_${number}_sum_${window}: sum(row.${amount})${where}.over('${window}')`,
          `${thing}_${amount}_${number}_avg_${window}: average(row.${amount}).over('${window}')`,
          `${thing}_${amount}_${number}_max_${window}: maximum(row.${amount})${where}.over('${window}')`,
          `${thing}_${act}_${number}_share_${window}: ratio(count()${where}.over('${window}'), count().over('${window}')).orElse(0)`,
        ]
        return `    ${pick(forms)},`
      })
      lines.push(
        '',
        `export const ${name} = featureGroup({`,
        `  name: '${name}', entity: ${thing}, source: ${source}, owner: '${pick(teams)}', tags: ['${pick(teams)}', '${act}'],`,
        `  description: 'What the ${act}s of a ${thing} tell about ${pick(amounts)} and ${pick(amounts)}.',`,
        '  features: (row) => ({',
        ...features,
        '  }),',
        '})',
      )
    }
    for (let first = 0; first + 3 < names.length; first += 4) {
      lines.push(
        '',
        `export const view_${views} = featureView({ name: '${thing}_model_${views}', owner: '${pick(teams)}', description: 'What model ${views} reads.', features: [${names.slice(first, first + 4).join(', ')}] })`,
      )
      views++
    }
    writeFileSync(join(folder, 'definitions', `${source}.ts`), `${lines.join('\n')}\n`)
    const values = amounts.map((name, place) => `(hash(i, ${place}) % 1000) / 10.0 AS ${name}`)
    await duck.run(`COPY (SELECT 'e' || i AS event_id, 'k' || hash(i) % 200 AS ${thing}_id, 'kind_' || hash(i, 20) % 20 AS kind, ${values.join(', ')},
      TIMESTAMP '2026-01-01' + i * INTERVAL 1 MINUTE AS at FROM range(${rowsOfSource}) numbers(i)) TO '${join(folder, 'data', `${source}.parquet`)}' (FORMAT parquet)`)
  }
  return { groups, features: groups * featuresOfGroup, views }
}
