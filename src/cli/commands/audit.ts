import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import { momentMicros } from '../../lib/moment.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { type Audit, type AuditEntry, operations } from '../../registry/index.ts'
import { withExamples } from '../examples.ts'
import { exportAudit } from '../export-audit.ts'
import { countOf } from '../format.ts'
import { sessionOf } from '../session.ts'
import { parseMoment } from '../values.ts'

interface AuditOptions {
  readonly since?: string
  readonly until?: string
  readonly by?: string
  readonly action?: string
  readonly refused?: boolean
  readonly export?: string
  readonly limit: number
}

export function addAudit(program: Command): void {
  const command = program
    .command('audit')
    .description('Shows who changed what, and what was refused, newest last; in all environments.')
    .option('--since <moment>', 'only from a moment on', parseMoment)
    .option('--until <moment>', 'only before a moment', parseMoment)
    .option('--by <name>', 'only what somebody did')
    .option('--action <name>', 'only one kind, such as apply or access.grant')
    .option('--refused', 'only what was refused')
    .option('--limit <number>', 'how many of the newest are shown; an export holds all', parseLimit, 50)
    .option('--export <file>', 'write all of it to a file as NDJSON, with before and after; - for stdout')
    .action(audit)
  withExamples(command, ['lockstep audit', 'lockstep audit --refused --since 2026-03-01', 'lockstep audit --by ann --export audit.ndjson'])
}

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(text)} is not a number of entries`, { remedy: 'Write a number above 0.' })
}

/** What is told of, beside what somebody was not allowed to do. */
const actions = [
  ...[
    'apply',
    'promote',
    'rollback',
    'switch',
    'restore',
    'access.grant',
    'access.revoke',
    'access.remove',
    'token.create',
    'token.revoke',
  ],
  ...['model.register', 'model.retire', 'trainingSet.retire', 'forget.begin', 'registry.import', 'audit.trim'],
]

/** Throws `UNKNOWN_NAME` for a kind that the log does not have and could not have. */
async function checkKnown(log: Audit, action: string): Promise<void> {
  const known = [...actions, ...Object.keys(operations)]
  if (known.includes(action)) return
  for await (const _entry of log.list({ action })) return
  throw new LockstepError('UNKNOWN_NAME', `There is no action ${action}${suggestion(action, known)}`, {
    remedy: `Write one of ${known.join(', ')}.`,
  })
}

async function audit(options: AuditOptions, command: Command): Promise<void> {
  const { output, project, actor } = await sessionOf(command, { files: true })
  const { access, audit: log } = await project.registry()
  await access.check(actor, 'admin', { environment: '*' })
  const { since, until, by, action, refused, limit } = options
  const filter = {
    since: since === undefined ? undefined : momentMicros(since),
    until: until === undefined ? undefined : momentMicros(until),
    by,
    action,
    allowed: refused ? false : undefined,
  }
  if (action !== undefined) await checkKnown(log, action)
  if (options.export === '-') for await (const entry of log.list(filter)) process.stdout.write(`${JSON.stringify(entry)}\n`)
  else if (options.export !== undefined) {
    const { length } = (await exportAudit(project.path(options.export), log.list(filter))).entries
    output.result({ file: options.export, entries: length }, () => `${countOf(length, 'entry', 'entries')} in ${options.export}`)
  } else {
    const entries: AuditEntry[] = []
    for await (const entry of log.list({ ...filter, descending: true })) if (entries.push(entry) === limit) break
    entries.reverse()
    output.result({ entries }, () =>
      entries.length === 0
        ? 'Nothing was changed or refused.'
        : output.table(entries, [
            { title: 'at', value: ({ at }) => at },
            { title: 'by', value: (entry) => entry.by },
            { title: 'action', value: (entry) => entry.action },
            { title: 'on', value: ({ on }) => on },
            { title: 'environment', value: ({ environment }) => environment },
            {
              title: '',
              value: ({ allowed, imported }) => [allowed ? '' : 'refused', imported ? 'imported' : ''].filter(Boolean).join(', '),
            },
            { title: 'why', value: ({ why }) => why },
          ]),
    )
  }
}
