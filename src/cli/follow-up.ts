import type { ProjectOptions } from './project.ts'

/** A command to go on with, in the project and environment of the one that was given: `materialize orders@1` with all that says where. */
export function followUp(command: string, given: ProjectOptions): string {
  const { project, definitions, history = {}, environment, newEnvironment = false } = given
  const options = [
    ...(project === undefined ? [] : [['--project', project]]),
    ...(definitions === undefined ? [] : [['--definitions', definitions]]),
    ...Object.entries(history).map(([source, path]) => ['--history', `${source}=${path}`]),
    ...(environment === undefined ? [] : [['--environment', environment]]),
    ...(newEnvironment ? [['--new-environment']] : []),
  ]
  return ['lockstep', command, ...options.flat().map(quoted)].join(' ')
}

/** A word as a shell reads it. */
export const quoted = (word: string): string => (/^[\w./@:=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
