import type { Command } from 'commander'
import { checkAllowed } from './allowed.ts'
import { commandRole } from './command-roles.ts'
import { Output, type OutputOptions } from './output.ts'
import { type FileNeed, Project, type ProjectOptions, worksWithFiles } from './project.ts'

/** What a command works with: the project, where to show its result, and who is acting. */
export interface Session {
  readonly output: Output
  readonly project: Project
  readonly actor: string
}

/**
 * Opens the session of a command from the options that all commands share, unless who is acting may not do what the command does.
 * `files`: it works with the definitions of the files, also where others are applied. Throws `UNAUTHENTICATED` and `FORBIDDEN`.
 */
export async function sessionOf(command: Command, { files = false }: { readonly files?: boolean } = {}): Promise<Session> {
  const options = command.optsWithGlobals<OutputOptions & ProjectOptions>()
  const role = commandRole(command.name(), command.args[0])
  const output = new Output(options)
  const needsFiles = worksWithFiles(options) ? 'always' : (fileNeeds[command.name()] ?? 'always')
  const project = await Project.load({ ...options, needsFiles, ...(files ? { files } : {}), ...(role === null ? { anonymous: true } : {}) })
  const session = { output, project, actor: project.actor }
  // Who has the files can read them.
  const isOpen = role === null || (fileCommands.includes(command.name()) && worksWithFiles(options))
  if (!isOpen && role.on === 'environment') await checkAllowed(session, role.operation)
  if (!output.quiet && (await project.differsFromFiles()))
    output.note(`The files differ from what is applied in ${project.environment}, which counts; lockstep plan shows how.`)
  if (project.unloaded !== null && fileNeeds[command.name()] !== 'never')
    output.warn(`The definitions cannot be loaded: ${project.unloaded}. What is applied counts.`)
  for (const { id, why } of project.applied?.incomplete ?? []) output.warn(`${id} is left out: ${why}.`)
  return session
}

/** Commands that go by what is applied, and so with files that are broken or not there. */
export const fileNeeds: Readonly<Record<string, FileNeed>> = {
  access: 'never',
  token: 'never',
  audit: 'never',
  registry: 'never',
  environment: 'never',
  history: 'never',
  usage: 'never',
  runs: 'never',
  'training-set': 'never',
  model: 'never',
  search: 'untilApplied',
  rollback: 'rarely',
  forget: 'rarely',
  restore: 'rarely',
  remove: 'rarely',
  deprecate: 'rarely',
  switch: 'rarely',
  get: 'forCode',
}

/** They show definitions, and nothing else. */
const fileCommands: readonly string[] = ['list', 'describe']
