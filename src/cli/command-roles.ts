import type { Operation } from '../registry/index.ts'

/**
 * What a command does, as roles know it. One that is only about what the registry knows of an environment is asked for before the
 * command begins; `things`: the command asks itself, once it knows what it is about. Null: it needs no role.
 */
export type CommandRole = { readonly operation: Operation; readonly on: 'environment' | 'things' } | null

const knows: CommandRole = { operation: 'read', on: 'environment' }
const on = (operation: Operation): CommandRole => ({ operation, on: 'things' })

/** All commands, those with actions by action too. */
export const commandRoles: Readonly<Record<string, CommandRole>> = {
  init: null,
  check: null,
  list: knows,
  describe: knows,
  search: knows,
  lineage: knows,
  runs: knows,
  usage: knows,
  history: knows,
  status: knows,
  'training-set list': knows,
  'model list': knows,
  'registry status': knows,
  'environment list': knows,
  'access list': knows,
  'access who': knows,
  plan: knows,
  statistics: on('read'),
  compare: on('read'),
  get: on('read'),
  explain: on('read'),
  train: on('read'),
  parity: on('read'),
  push: on('push'),
  materialize: on('write'),
  backfill: on('write'),
  replay: on('write'),
  stream: on('write'),
  // It writes live groups, and hands out what all views hold.
  serve: { operation: 'write', on: 'environment' },
  'training-set retire': on('write'),
  'model register': on('write'),
  'model retire': on('write'),
  apply: on('define'),
  switch: on('define'),
  rollback: on('define'),
  promote: on('define'),
  deprecate: on('deprecate'),
  remove: on('remove'),
  restore: on('deprecate'),
  forget: { operation: 'forget', on: 'environment' },
  'token create': on('admin'),
  'token list': { operation: 'admin', on: 'environment' },
  'token revoke': on('admin'),
  'access grant': on('admin'),
  'access revoke': on('admin'),
  'environment remove': on('admin'),
  audit: on('admin'),
  'registry export': on('admin'),
  'registry import': on('admin'),
  'registry trim': on('admin'),
}

/** What a command with this name and first argument does. */
export function commandRole(name: string, action: unknown): CommandRole {
  const role = commandRoles[`${name} ${action}`] ?? commandRoles[name]
  if (role === undefined) throw new TypeError(`Nothing says which role ${name} takes`)
  return role
}
