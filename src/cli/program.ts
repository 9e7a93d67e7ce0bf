import { createRequire } from 'node:module'
import { Command } from 'commander'
import { addAccess } from './commands/access.ts'
import { addApply } from './commands/apply.ts'
import { addAudit } from './commands/audit.ts'
import { addBackfill } from './commands/backfill.ts'
import { addCheck } from './commands/check.ts'
import { addCompare } from './commands/compare.ts'
import { addDeprecate } from './commands/deprecate.ts'
import { addDescribe } from './commands/describe.ts'
import { addEnvironment } from './commands/environment.ts'
import { addExplain } from './commands/explain.ts'
import { addForget } from './commands/forget.ts'
import { addGet } from './commands/get.ts'
import { addHistory } from './commands/history.ts'
import { addInit } from './commands/init.ts'
import { addLineage } from './commands/lineage.ts'
import { addList } from './commands/list.ts'
import { addMaterialize } from './commands/materialize.ts'
import { addModel } from './commands/model.ts'
import { addParity } from './commands/parity.ts'
import { addPlan } from './commands/plan.ts'
import { addPromote } from './commands/promote.ts'
import { addPush } from './commands/push.ts'
import { addRegistry } from './commands/registry.ts'
import { addRemove } from './commands/remove.ts'
import { addReplay } from './commands/replay.ts'
import { addRestore } from './commands/restore.ts'
import { addRollback } from './commands/rollback.ts'
import { addRuns } from './commands/runs.ts'
import { addSearch } from './commands/search.ts'
import { addServe } from './commands/serve.ts'
import { addStatistics } from './commands/statistics.ts'
import { addStatus } from './commands/status.ts'
import { addStream } from './commands/stream.ts'
import { addSwitch } from './commands/switch.ts'
import { addToken } from './commands/token.ts'
import { addTrain } from './commands/train.ts'
import { addTrainingSet } from './commands/training-set.ts'
import { addUsage } from './commands/usage.ts'
import { withExamples } from './examples.ts'
import { exitCodesHelp } from './exit-codes.ts'
import { collectPair } from './values.ts'

/** The whole command line, with what all commands share. Errors are thrown, not printed. */
export function program(): Command {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  const width = () => Math.min(process.stdout.columns ?? 100, 100)
  const lockstep = withExamples(new Command('lockstep'), ['lockstep init shop', 'lockstep check --project shop', 'lockstep train --help'])
    .description('A feature store: define a feature once, get the same value in training and in serving.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {}, getOutHelpWidth: width, getErrHelpWidth: width })
    .showSuggestionAfterError(false)
    .exitOverride()
    .option('-p, --project <folder>', 'the folder of the project; the current one by default')
    .option('--definitions <path>', 'a module or folder of definitions, instead of that of the project')
    .option('--history <source=path>', 'other files of a source, the ending says their format; may be repeated', collectPair)
    .option('-e, --environment <name>', 'the environment; LOCKSTEP_ENVIRONMENT, or that of the settings, by default')
    .option('--new-environment', 'the environment may be one in which nothing is yet')
    .option('--files', 'the definitions of the files, also where others are applied')
    .option('--as <name>', 'who is acting, until roles count; LOCKSTEP_USER, or the user of this machine, by default')
    .option('--json', 'print one JSON document, and errors as JSON')
    .option('--progress', 'show progress, on stderr; the default on a terminal')
    .option('-q, --quiet', 'print results and errors only')
  const history = [addTrain, addBackfill, addMaterialize]
  const events = [addStream, addPush, addReplay, addStatus, addForget]
  const access = [addToken, addAccess, addAudit, addRegistry]
  const knowledge = [addSearch, addLineage, addStatistics, addRuns, addUsage, addTrainingSet, addModel]
  const changes = [
    addPlan,
    addApply,
    addCompare,
    addSwitch,
    addRollback,
    addPromote,
    addHistory,
    addEnvironment,
    addDeprecate,
    addRemove,
    addRestore,
  ]
  for (const add of [
    addInit,
    addCheck,
    addList,
    addDescribe,
    ...knowledge,
    ...changes,
    ...history,
    ...events,
    addGet,
    addExplain,
    addParity,
    addServe,
    ...access,
  ])
    add(lockstep)
  for (const option of lockstep.commands.flatMap(({ options }) => options)) if (option.mandatory) option.description += ' (required)'
  return lockstep.addHelpText('after', exitCodesHelp)
}
