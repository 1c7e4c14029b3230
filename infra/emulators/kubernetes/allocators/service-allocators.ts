/**
 * Cluster IPs and node ports of Services. What is taken is known from the Services themselves: the
 * maps are filled at start and follow every commit, so they cannot leak or drift.
 */
import { randomInt } from 'node:crypto';
import { invalidField, invalidObject } from '../field-error.ts';
import {
  ensureObject,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import { internalError, type StatusError } from '../status-error.ts';
import { keyOf, type ObjectPlace, placeOf, prefixOf } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { parseStored, type StoreEvent } from '../storage/store-event.ts';
import type { Writer } from '../writer.ts';
import { ipAddressObject } from './ip-address-object.ts';

/** The Service network of the sandbox. */
export const serviceCidr = '10.96.0.0/16';
const cidrPrefix = '10.96.';
/** Default `--service-node-port-range`. */
const nodePortFirst = 30_000;
const nodePortLast = 32_767;

interface Holdings {
  readonly ips: readonly string[];
  /** `TCP:30080`; a health check port is `check:32000`. */
  readonly ports: readonly string[];
}

function usesClusterIp(spec: JsonObject): boolean {
  return textAt(spec, 'type') !== 'ExternalName' && textAt(spec, 'clusterIP') !== 'None';
}

function usesNodePorts(spec: JsonObject): boolean {
  const type = textAt(spec, 'type');
  return (
    type === 'NodePort' || (type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
  );
}

function wantsHealthCheckPort(spec: JsonObject): boolean {
  return textAt(spec, 'type') === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

function holdingsOf(service: JsonObject): Holdings {
  const spec = objectAt(service, 'spec') ?? {};
  const ips = textsAt(spec, 'clusterIPs').filter((ip) => ip !== 'None' && ip !== '');
  const ports = objectsAt(spec, 'ports')
    .filter((port) => (numberAt(port, 'nodePort') ?? 0) !== 0)
    .map((port) => `${textAt(port, 'protocol') || 'TCP'}:${numberAt(port, 'nodePort')}`);
  const check = numberAt(spec, 'healthCheckNodePort') ?? 0;
  return { ips, ports: check === 0 ? ports : [...ports, `check:${check}`] };
}

function isInCidr(ip: string): boolean {
  return ip.startsWith(cidrPrefix);
}

/** Gives out and remembers cluster IPs and node ports. */
export class ServiceAllocators {
  private readonly store: ObjectStore;
  private readonly ips = new Map<string, string>();
  private readonly ports = new Map<string, string>();

  constructor(store: ObjectStore) {
    this.store = store;
    for (const { key, json } of store.scan(prefixOf('services'))) {
      this.hold(key, holdingsOf(parseStored(json)));
    }
    store.onCommit((event) => this.follow(event));
    this.dropStrayAddresses();
  }

  private hold(key: string, holdings: Holdings): void {
    for (const ip of holdings.ips) this.ips.set(ip, key);
    for (const port of holdings.ports) this.ports.set(port, key);
  }

  private follow(event: StoreEvent): void {
    if (!event.key.startsWith('services/')) return;
    if (event.previous !== undefined) {
      const before = holdingsOf(event.previous);
      for (const ip of before.ips) this.ips.delete(ip);
      for (const port of before.ports) this.ports.delete(port);
    }
    if (event.type !== 'DELETED') this.hold(event.key, holdingsOf(event.object));
    else for (const ip of holdingsOf(event.object).ips) this.dropIpAddress(ip, { dryRun: false });
  }

  /** A Service and its address go in two writes; a kill between them leaves the address behind. */
  private dropStrayAddresses(): void {
    for (const key of this.store.keys(prefixOf('ipaddresses.networking.k8s.io'))) {
      const ip = placeOf(key).name;
      if (!this.ips.has(ip)) this.dropIpAddress(ip, { dryRun: false });
    }
  }

  /** Completes a new Service inside the transaction that writes it. @throws StatusError 422 */
  beforeCreate(place: ObjectPlace, object: JsonObject, writer: Writer): void {
    if (place.resource !== 'services') return;
    this.complete(place, object, undefined, writer);
  }

  /** Completes a changed Service inside the transaction that writes it. @throws StatusError 422 */
  beforeUpdate(place: ObjectPlace, object: JsonObject, old: JsonObject, writer: Writer): void {
    if (place.resource !== 'services') return;
    this.complete(place, object, old, writer);
    const kept = new Set(holdingsOf(object).ips);
    for (const ip of holdingsOf(old).ips) if (!kept.has(ip)) this.dropIpAddress(ip, writer);
  }

  private complete(
    place: ObjectPlace,
    object: JsonObject,
    old: JsonObject | undefined,
    writer: Writer,
  ): void {
    const spec = ensureObject(object, 'spec');
    const key = keyOf(place);
    fillFamilies(spec, place.name);
    this.giveClusterIp(spec, place, key, writer);
    this.givePorts(spec, place, key, old);
    this.giveHealthCheckPort(spec, key);
  }

  private giveClusterIp(spec: JsonObject, place: ObjectPlace, key: string, writer: Writer): void {
    if (!usesClusterIp(spec)) return;
    const asked = textAt(spec, 'clusterIP');
    const ip = asked === '' ? this.freeIp() : asked;
    const holder = this.ips.get(ip);
    if (holder !== undefined && holder !== key)
      throw ipRefused(place, ip, 'provided IP is already allocated');
    if (!isInCidr(ip)) {
      throw ipRefused(place, ip, 'the provided network does not match the current range');
    }
    spec.clusterIP = ip;
    spec.clusterIPs = [ip];
    if (holder !== undefined || writer.dryRun) return;
    const address = ipAddressObject(ip, place);
    const at = keyOf({ resource: 'ipaddresses.networking.k8s.io', namespace: undefined, name: ip });
    this.store.put(at, address);
  }

  private dropIpAddress(ip: string, writer: Pick<Writer, 'dryRun'>): void {
    const resource = 'ipaddresses.networking.k8s.io';
    const key = keyOf({ resource, namespace: undefined, name: ip });
    const json = this.store.read(key);
    if (json === undefined || writer.dryRun) return;
    this.store.remove(key, parseStored(json));
  }

  private freeIp(): string {
    for (;;) {
      const ip = `${cidrPrefix}${randomInt(0, 256)}.${randomInt(2, 255)}`;
      if (!this.ips.has(ip)) return ip;
    }
  }

  private givePorts(
    spec: JsonObject,
    place: ObjectPlace,
    key: string,
    old: JsonObject | undefined,
  ): void {
    if (!usesNodePorts(spec)) {
      if (old !== undefined && usesNodePorts(objectAt(old, 'spec') ?? {})) dropPorts(spec, old);
      return;
    }
    const taken = new Set<string>();
    objectsAt(spec, 'ports').forEach((port, index) => {
      const protocol = textAt(port, 'protocol') || 'TCP';
      const asked = numberAt(port, 'nodePort') ?? 0;
      const number = asked === 0 ? this.freePort(protocol, taken) : asked;
      const id = `${protocol}:${number}`;
      const field = `spec.ports[${index}].nodePort`;
      if (number < nodePortFirst || number > nodePortLast) {
        throw refused(place, field, number, outsideRange);
      }
      const holder = this.ports.get(id);
      if ((holder !== undefined && holder !== key) || taken.has(id)) {
        throw refused(place, field, number, 'provided port is already allocated');
      }
      taken.add(id);
      port.nodePort = number;
    });
  }

  private freePort(protocol: string, taken: ReadonlySet<string>): number {
    for (;;) {
      const number = randomInt(nodePortFirst, nodePortLast + 1);
      const id = `${protocol}:${number}`;
      if (!this.ports.has(id) && !this.ports.has(`check:${number}`) && !taken.has(id))
        return number;
    }
  }

  private giveHealthCheckPort(spec: JsonObject, key: string): void {
    if (!wantsHealthCheckPort(spec)) {
      delete spec.healthCheckNodePort;
      return;
    }
    const asked = numberAt(spec, 'healthCheckNodePort') ?? 0;
    const number = asked === 0 ? this.freePort('check', new Set()) : asked;
    const holder = this.ports.get(`check:${number}`) ?? this.ports.get(`TCP:${number}`);
    if (holder !== undefined && holder !== key) {
      throw internalError(
        `failed to allocate requested HealthCheck NodePort ${number}: provided port is already allocated`,
      );
    }
    spec.healthCheckNodePort = number;
  }
}

const outsideRange =
  `provided port is not in the valid range. The range of valid ports is ` +
  `${nodePortFirst}-${nodePortLast}`;

function refused(place: ObjectPlace, field: string, value: unknown, why: string): StatusError {
  return invalidObject({ group: '', kind: 'Service', name: place.name }, [
    invalidField(field, value, why),
  ]);
}

function ipRefused(place: ObjectPlace, ip: string, why: string): StatusError {
  return refused(place, 'spec.clusterIPs', [ip], `failed to allocate IP ${ip}: ${why}`);
}

function dropPorts(spec: JsonObject, old: JsonObject): void {
  const before = new Set(objectsAt(old, 'spec', 'ports').map((port) => numberAt(port, 'nodePort')));
  for (const port of objectsAt(spec, 'ports')) {
    if (before.has(numberAt(port, 'nodePort'))) delete port.nodePort;
  }
}

function fillFamilies(spec: JsonObject, name: string): void {
  if (textAt(spec, 'type') === 'ExternalName') {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'])
      delete spec[field];
    return;
  }
  const headless = textAt(spec, 'clusterIP') === 'None';
  if (headless) spec.clusterIPs = ['None'];
  const selector = objectAt(spec, 'selector');
  const anyFamily = headless && (selector === undefined || Object.keys(selector).length === 0);
  const families = textsAt(spec, 'ipFamilies');
  const foreign = families.indexOf('IPv6');
  if (foreign !== -1 && !anyFamily) {
    const field = `spec.ipFamilies[${foreign}]`;
    throw invalidObject({ group: '', kind: 'Service', name }, [
      invalidField(field, 'IPv6', 'not configured on this cluster'),
    ]);
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && !anyFamily) {
    const why = 'this cluster is not configured for dual-stack services';
    throw invalidObject({ group: '', kind: 'Service', name }, [
      invalidField('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why),
    ]);
  }
  spec.ipFamilyPolicy ??= anyFamily ? 'RequireDualStack' : 'SingleStack';
  const dual = anyFamily && spec.ipFamilyPolicy !== 'SingleStack';
  if (families.length === 0) spec.ipFamilies = dual ? ['IPv4', 'IPv6'] : ['IPv4'];
}
