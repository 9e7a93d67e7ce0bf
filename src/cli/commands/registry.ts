import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import { formatMoment, momentMicros } from '../../lib/moment.ts'
import { exportRegistry, importRegistry, type Registry } from '../../registry/index.ts'
import { withExamples } from '../examples.ts'
import { exportAudit } from '../export-audit.ts'
import { countOf, formatBytes, formatCount } from '../format.ts'
import { type Session, sessionOf } from '../session.ts'
import { parseMoment } from '../values.ts'

interface RegistryCommandOptions {
  readonly replace?: boolean
  readonly force?: boolean
  readonly before?: string
  readonly export?: string
}

const actions = { status, export: exportTo, import: importFrom, trim } as const

export function addRegistry(program: Command): void {
  const command = program
    .command('registry')
    .description(
      'Shows what the registry holds, exports all of it as one JSON document, imports such a one, or removes at once what is too old.',
    )
    .argument('<action>', 'status, export, import or trim', parseAction)
    .argument('[file]', 'export: the file to write; import: the file to read; - for stdout or stdin')
    .option('--replace', 'import: in the place of what the registry holds; the audit log is added to')
    .option('--force', 'import: also where nobody would be an admin any more, and so everybody might do everything')
    .option('--before <moment>', 'trim: of the audit log too, what is from before a moment; needs --export', parseMoment)
    .option('--export <file>', 'trim: where those entries are written first, as NDJSON')
    .action(registry)
  withExamples(command, [
    'lockstep registry status',
    'lockstep registry export registry.json',
    'lockstep registry import registry.json --replace',
    'lockstep registry trim --before 2025-01-01 --export audit-2024.ndjson',
  ])
}

const wrong = (message: string, remedy: string) => new LockstepError('INVALID_ARGUMENT', message, { remedy })

function parseAction(text: string): keyof typeof actions {
  if (Object.hasOwn(actions, text)) return text as keyof typeof actions
  throw wrong(`${JSON.stringify(text)} is nothing that can be done with the registry`, 'Write status, export, import or trim.')
}

async function registry(
  action: keyof typeof actions,
  file: string | undefined,
  options: RegistryCommandOptions,
  command: Command,
): Promise<void> {
  // What is applied may be what has to be restored.
  const session = await sessionOf(command, { files: true })
  await actions[action](session, await session.project.registry(), file, options)
}

async function status({ output }: Session, { documents }: Registry): Promise<void> {
  const tables: { table: string; documents: number; bytes: number }[] = []
  for (const table of await documents.tables()) {
    const all = await documents.list(table)
    tables.push({ table, documents: all.length, bytes: all.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) })
  }
  const revision = await documents.revision()
  output.result({ driver: documents.name, revision, tables }, () => {
    const list = output.table(tables, [
      { title: 'table', value: ({ table }) => table },
      { title: 'documents', align: 'right', value: (each) => formatCount(each.documents) },
      { title: 'size', align: 'right', value: ({ bytes }) => formatBytes(bytes) },
    ])
    return `${documents.name}, revision ${formatCount(revision)}\n${tables.length === 0 ? 'It holds nothing.' : `\n${list}`}`
  })
}

async function exportTo(session: Session, { access, documents, clock }: Registry, file: string | undefined): Promise<void> {
  if (file === undefined) throw wrong('The export needs a file', 'Name it, or write - for stdout: lockstep registry export FILE.')
  const { output, project, actor } = session
  await access.check(actor, 'admin', { environment: '*' })
  const exported = await exportRegistry(documents, clock.now())
  const text = `${JSON.stringify(exported, null, 1)}\n`
  if (file === '-') process.stdout.write(text)
  else await writeNew(project.path(file), text)
  const count = Object.values(exported.tables).reduce((sum, table) => sum + Object.keys(table).length, 0)
  if (file !== '-') output.result({ file, documents: count }, () => `${countOf(count, 'document')} in ${file}`)
}

async function importFrom(
  session: Session,
  { access, documents, audit, clock }: Registry,
  file: string | undefined,
  { replace = false, force = false }: RegistryCommandOptions,
): Promise<void> {
  if (file === undefined) throw wrong('The file to import is missing', 'Name it, or write - for stdin: lockstep registry import FILE.')
  const { output, project, actor } = session
  await access.check(actor, 'admin', { environment: '*' })
  const exported = parsed(file === '-' ? await textOf(process.stdin) : readText(project.path(file)), file)
  const before = { revision: await documents.revision() }
  const told = audit.put({ by: actor, action: 'registry.import', on: file, environment: '*', before, after: { replace, force } })
  const result = await importRegistry(documents, exported, {
    replace,
    openToAll: force,
    imported: { at: formatMoment(clock.now()), by: actor },
    also: [told],
  })
  output.result(result, () => `${countOf(result.documents, 'document')} imported, ${formatCount(result.removed)} removed`)
}

/** What the retention lets go, and of the audit log what is exported; the log tells of it. */
async function trim(
  session: Session,
  registry: Registry,
  named: string | undefined,
  { before, export: file }: RegistryCommandOptions,
): Promise<void> {
  if (named !== undefined) throw wrong(`Trim takes no ${named}`, 'Name the file by --export.')
  if ((before === undefined) !== (file === undefined))
    throw wrong('The audit log is exported before something goes from it', 'Say both: --before MOMENT --export FILE.')
  const { output, project, actor } = session
  const { access, audit } = registry
  await access.check(actor, 'admin', { environment: '*' })
  const removed = { ...(await registry.trim()), audit: 0 }
  if (before !== undefined && file !== undefined) {
    const { entries, sha256 } = await exportAudit(project.path(file), audit.list({ until: momentMicros(before) }))
    await audit.remove(entries, { by: actor, file, sha256 })
    removed.audit = entries.length
  }
  const rows = Object.entries(removed)
  output.result({ removed, file: file ?? null }, () =>
    output.table(rows, [
      { title: 'table', value: ([table]) => table },
      { title: 'removed', align: 'right', value: ([, count]) => formatCount(count) },
    ]),
  )
}

/** It holds the hashes of tokens, so only its owner reads it. */
async function writeNew(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.writeFile(text)
    await file.sync()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new LockstepError('OUTPUT_EXISTS', 'The file is there already', { where: path, remedy: 'Choose another name, or remove it.' })
    throw wrong(`The file cannot be written: ${(cause as Error).message}`, 'Choose another place.')
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw wrong(`The file cannot be read: ${(cause as Error).message}`, 'Name the file that lockstep registry export wrote.')
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw wrong(`${file} is no JSON: ${(cause as Error).message}`, 'Name the file that lockstep registry export wrote.')
  }
}
