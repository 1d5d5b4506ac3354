// Evaluates the cases of standard input with the peer and prints verdicts and rates: by its public interface, which checks
// the input first, and by the engine below it, which is quicker and takes what the interface refuses. Both explain.
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'
import { loadPolicy } from '@cloud-copilot/iam-policy'

const inside = './node_modules/@cloud-copilot/iam-simulate/dist/esm'
const { authorize } = await import(`${inside}/core_engine/CoreSimulatorEngine.js`)
const { AwsRequestImpl } = await import(`${inside}/request/request.js`)
const { RequestContextImpl } = await import(`${inside}/requestContext.js`)
const { DiscoveryContextKeyConstraints } = await import(`${inside}/context_keys/discoveryContextKeyConstraints.js`)

const rounds = Number(process.argv[2])
const cases = JSON.parse(readFileSync(0, 'utf8'))

const named = (policies, kind) => (policies ?? []).map((policy, at) => ({ name: `${kind}-${at}`, policy }))
const levels = (found, kind) =>
  (found ?? []).map((level) => ({ orgIdentifier: level.orgIdentifier, policies: named(level.policies, kind) }))
const simulations = cases.map((one) => ({
  request: { ...one.request, contextVariables: one.request.context ?? {} },
  identityPolicies: named(one.identityPolicies, 'identity'),
  serviceControlPolicies: levels(one.serviceControlPolicies, 'scp'),
  resourceControlPolicies: levels(one.resourceControlPolicies, 'rcp'),
  resourcePolicy: one.resourcePolicy,
  permissionBoundaryPolicies: one.permissionBoundaries?.length ? named(one.permissionBoundaries, 'boundary') : undefined,
  sessionPolicy: one.sessionPolicy,
  vpcEndpointPolicies: named(one.endpointPolicies, 'endpoint')
}))

const full = { name: 'RCPFullAWSAccess', policy: { Version: '2012-10-17', Statement: [
  { Effect: 'Allow', Action: '*', Resource: '*', Principal: '*' }] } }
const load = ({ name, policy }) => loadPolicy(policy, { name })
const loaded = (levels, first) =>
  levels.map((level) => ({ ...level, policies: [...first, ...level.policies].map(load) }))

function core(one) {
  const { principal, resource, action, contextVariables, wildcardOnlyAction } = one.request
  const context = new RequestContextImpl(contextVariables)
  return authorize({
    request: new AwsRequestImpl(principal, resource, action, context, wildcardOnlyAction),
    sessionPolicy: one.sessionPolicy && load({ name: 'session', policy: one.sessionPolicy }),
    identityPolicies: one.identityPolicies.map(load),
    serviceControlPolicies: loaded(one.serviceControlPolicies, []),
    resourceControlPolicies: loaded(one.resourceControlPolicies, [full]),
    resourcePolicy: one.resourcePolicy && load({ name: 'resource', policy: one.resourcePolicy }),
    permissionBoundaries: one.permissionBoundaryPolicies?.map(load),
    vpcEndpointPolicies: one.vpcEndpointPolicies.length ? one.vpcEndpointPolicies.map(load) : undefined,
    simulationParameters: {
      simulationMode: 'Strict',
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([])
    },
    serviceSettings: { s3: { bucketAbacEnabled: true } }
  })
}

async function verdict(run, simulation) {
  try {
    const found = await run(simulation, { simulationMode: 'Strict' })
    return found.overallResult ?? found.result ?? `refused: ${JSON.stringify(found.errors)}`
  } catch (error) {
    return `error: ${error.message}`
  }
}

async function measured(run) {
  const verdicts = []
  for (const simulation of simulations) verdicts.push(await verdict(run, simulation))
  const begin = process.hrtime.bigint()
  const used = process.cpuUsage()
  for (let round = 0; round < rounds; round++) {
    for (const simulation of simulations) await verdict(run, simulation)
  }
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9
  const cpu = process.cpuUsage(used)
  return { verdicts, seconds, cpu: (cpu.user + cpu.system) / 1e6, evaluations: rounds * simulations.length }
}

console.log(JSON.stringify({ interface: await measured(runSimulation), engine: await measured(core) }))
