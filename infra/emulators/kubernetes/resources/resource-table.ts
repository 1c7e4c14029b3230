/**
 * The built-in kinds of Kubernetes 1.34 as its discovery documents list them, groups in the order of
 * `/apis`. One line per resource: plural, singular, kind, scope, then `hash` (storageVersionHash),
 * `short` names, `in` (categories), `verbs` where they are not the usual eight, `sub`resources.
 */
const rows: Readonly<Record<string, readonly string[]>> = {
  v1: [
    'bindings binding Binding ns verbs=create',
    'componentstatuses componentstatus ComponentStatus cluster short=cs verbs=get,list',
    'configmaps configmap ConfigMap ns hash=qFsyl6wFWjQ= short=cm',
    'endpoints endpoints Endpoints ns hash=fWeeMqaN/OA= short=ep',
    'events event Event ns hash=r2yiGXH7wu8= short=ev',
    'limitranges limitrange LimitRange ns hash=EBKMFVe6cwo= short=limits',
    'namespaces namespace Namespace cluster hash=Q3oi5N2YM8M= short=ns verbs=create,delete,get,list,patch,update,watch sub=finalize,status',
    'nodes node Node cluster hash=XwShjMxG9Fs= short=no sub=proxy,status',
    'persistentvolumeclaims persistentvolumeclaim PersistentVolumeClaim ns hash=QWTyNDq0dC4= short=pvc sub=status',
    'persistentvolumes persistentvolume PersistentVolume cluster hash=HN/zwEC+JgM= short=pv sub=status',
    'pods pod Pod ns hash=xPOwRZ+Yhw8= short=po in=all sub=attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status',
    'podtemplates podtemplate PodTemplate ns hash=LIXB2x4IFpk=',
    'replicationcontrollers replicationcontroller ReplicationController ns hash=Jond2If31h0= short=rc in=all sub=scale,status',
    'resourcequotas resourcequota ResourceQuota ns hash=8uhSgffRX6w= short=quota sub=status',
    'secrets secret Secret ns hash=S6u1pOWzb84=',
    'serviceaccounts serviceaccount ServiceAccount ns hash=pbx9ZvyFpBE= short=sa sub=token',
    'services service Service ns hash=0/CO1lhkEBI= short=svc in=all sub=proxy,status',
  ],
  'apiregistration.k8s.io/v1': [
    'apiservices apiservice APIService cluster hash=InPBPD7+PqM= in=api-extensions sub=status',
  ],
  'apps/v1': [
    'controllerrevisions controllerrevision ControllerRevision ns hash=85nkx63pcBU=',
    'daemonsets daemonset DaemonSet ns hash=dd7pWHUlMKQ= short=ds in=all sub=status',
    'deployments deployment Deployment ns hash=8aSe+NMegvE= short=deploy in=all sub=scale,status',
    'replicasets replicaset ReplicaSet ns hash=P1RzHs8/mWQ= short=rs in=all sub=scale,status',
    'statefulsets statefulset StatefulSet ns hash=H+vl74LkKdo= short=sts in=all sub=scale,status',
  ],
  'events.k8s.io/v1': ['events event Event ns hash=r2yiGXH7wu8= short=ev'],
  'authentication.k8s.io/v1': [
    'selfsubjectreviews selfsubjectreview SelfSubjectReview cluster verbs=create',
    'tokenreviews tokenreview TokenReview cluster verbs=create',
  ],
  'authorization.k8s.io/v1': [
    'localsubjectaccessreviews localsubjectaccessreview LocalSubjectAccessReview ns verbs=create',
    'selfsubjectaccessreviews selfsubjectaccessreview SelfSubjectAccessReview cluster verbs=create',
    'selfsubjectrulesreviews selfsubjectrulesreview SelfSubjectRulesReview cluster verbs=create',
    'subjectaccessreviews subjectaccessreview SubjectAccessReview cluster verbs=create',
  ],
  'autoscaling/v2': [
    'horizontalpodautoscalers horizontalpodautoscaler HorizontalPodAutoscaler ns hash=qwQve8ut294= short=hpa in=all sub=status',
  ],
  'autoscaling/v1': [
    'horizontalpodautoscalers horizontalpodautoscaler HorizontalPodAutoscaler ns hash=qwQve8ut294= short=hpa in=all sub=status',
  ],
  'batch/v1': [
    'cronjobs cronjob CronJob ns hash=sd5LIXh4Fjs= short=cj in=all sub=status',
    'jobs job Job ns hash=mudhfqk/qZY= in=all sub=status',
  ],
  'certificates.k8s.io/v1': [
    'certificatesigningrequests certificatesigningrequest CertificateSigningRequest cluster hash=95fRKMXA+00= short=csr sub=approval,status',
  ],
  'networking.k8s.io/v1': [
    'ingressclasses ingressclass IngressClass cluster hash=l/iqIbDgFyQ=',
    'ingresses ingress Ingress ns hash=39NQlfNR+bo= short=ing sub=status',
    'ipaddresses ipaddress IPAddress cluster hash=3f/plJFChNE= short=ip',
    'networkpolicies networkpolicy NetworkPolicy ns hash=YpfwF18m1G8= short=netpol',
    'servicecidrs servicecidr ServiceCIDR cluster hash=gNLvruQhW2g= sub=status',
  ],
  'policy/v1': [
    'poddisruptionbudgets poddisruptionbudget PodDisruptionBudget ns hash=EVWiDmWqyJw= short=pdb sub=status',
  ],
  'rbac.authorization.k8s.io/v1': [
    'clusterrolebindings clusterrolebinding ClusterRoleBinding cluster hash=48tpQ8gZHFc=',
    'clusterroles clusterrole ClusterRole cluster hash=bYE5ZWDrJ44=',
    'rolebindings rolebinding RoleBinding ns hash=eGsCzGH6b1g=',
    'roles role Role ns hash=7FuwZcIIItM=',
  ],
  'storage.k8s.io/v1': [
    'csidrivers csidriver CSIDriver cluster hash=hL6j/rwBV5w=',
    'csinodes csinode CSINode cluster hash=Pe62DkZtjuo=',
    'csistoragecapacities csistoragecapacity CSIStorageCapacity ns hash=xeVl+2Ly1kE=',
    'storageclasses storageclass StorageClass cluster hash=K+m6uJwbjGY= short=sc',
    'volumeattachments volumeattachment VolumeAttachment cluster hash=tJx/ezt6UDU= sub=status',
    'volumeattributesclasses volumeattributesclass VolumeAttributesClass cluster hash=Bl3MtjZ/n/s= short=vac',
  ],
  'admissionregistration.k8s.io/v1': [
    'mutatingwebhookconfigurations mutatingwebhookconfiguration MutatingWebhookConfiguration cluster hash=Sqi0GUgDaX0= in=api-extensions',
    'validatingadmissionpolicies validatingadmissionpolicy ValidatingAdmissionPolicy cluster hash=6OxvlMmQ6is= in=api-extensions sub=status',
    'validatingadmissionpolicybindings validatingadmissionpolicybinding ValidatingAdmissionPolicyBinding cluster hash=v9715VZqakg= in=api-extensions',
    'validatingwebhookconfigurations validatingwebhookconfiguration ValidatingWebhookConfiguration cluster hash=B0wHjQmsGNk= in=api-extensions',
  ],
  'apiextensions.k8s.io/v1': [
    'customresourcedefinitions customresourcedefinition CustomResourceDefinition cluster hash=jfWCUB31mvA= short=crd,crds in=api-extensions sub=status',
  ],
  'scheduling.k8s.io/v1': [
    'priorityclasses priorityclass PriorityClass cluster hash=1QwjyaZjj3Y= short=pc',
  ],
  'coordination.k8s.io/v1': ['leases lease Lease ns hash=gqkMMb/YqFM='],
  'node.k8s.io/v1': ['runtimeclasses runtimeclass RuntimeClass cluster hash=WQTu1GL3T2Q='],
  'discovery.k8s.io/v1': ['endpointslices endpointslice EndpointSlice ns hash=qgS0xkrxYAI='],
  'resource.k8s.io/v1': [
    'deviceclasses deviceclass DeviceClass cluster hash=weQRMT6DeYM=',
    'resourceclaims resourceclaim ResourceClaim ns hash=EJAWH5WrAYg= sub=status',
    'resourceclaimtemplates resourceclaimtemplate ResourceClaimTemplate ns hash=24m0okHrUtk=',
    'resourceslices resourceslice ResourceSlice cluster hash=z6Bc9vgk6yE=',
  ],
  'flowcontrol.apiserver.k8s.io/v1': [
    'flowschemas flowschema FlowSchema cluster hash=GJVAJZSZBIw= sub=status',
    'prioritylevelconfigurations prioritylevelconfiguration PriorityLevelConfiguration cluster hash=Kir5PVfvNeI= sub=status',
  ],
};

/** The verbs of a kind with a full REST storage. */
const allVerbs: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/** A subresource as discovery shows it. */
export interface Subresource {
  readonly name: string;
  /** Group and version of the kind that is sent and answered, where not the parent's own. */
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** One resource at one version, built in or custom, as discovery shows it. */
export interface ResourceInfo {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly storageVersionHash?: string;
}

const readWrite = ['get', 'patch', 'update'];
const proxyVerbs = ['create', 'delete', 'get', 'patch', 'update'];

function subresourceOf(name: string, kind: string): Subresource {
  switch (name) {
    case 'scale':
      return { name, group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: readWrite };
    case 'eviction':
      return { name, group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] };
    case 'token':
      return {
        name,
        group: 'authentication.k8s.io',
        version: 'v1',
        kind: 'TokenRequest',
        verbs: ['create'],
      };
    case 'binding':
      return { name, kind: 'Binding', verbs: ['create'] };
    case 'finalize':
      return { name, kind, verbs: ['update'] };
    case 'log':
      return { name, kind, verbs: ['get'] };
    case 'proxy':
      return { name, kind: `${kind}ProxyOptions`, verbs: proxyVerbs };
    case 'attach':
      return { name, kind: 'PodAttachOptions', verbs: ['create', 'get'] };
    case 'exec':
      return { name, kind: 'PodExecOptions', verbs: ['create', 'get'] };
    case 'portforward':
      return { name, kind: 'PodPortForwardOptions', verbs: ['create', 'get'] };
    default:
      return { name, kind, verbs: readWrite };
  }
}

function parseRow(groupVersion: string, row: string): ResourceInfo {
  const [plural = '', singular = '', kind = '', scope, ...options] = row.split(' ');
  const option = (name: string): string | undefined =>
    options.find((o) => o.startsWith(`${name}=`))?.slice(name.length + 1);
  const list = (name: string): string[] => option(name)?.split(',') ?? [];
  const hash = option('hash');
  const slash = groupVersion.indexOf('/');
  return {
    group: slash === -1 ? '' : groupVersion.slice(0, slash),
    version: groupVersion.slice(slash + 1),
    plural,
    singular,
    kind,
    listKind: `${kind}List`,
    namespaced: scope === 'ns',
    shortNames: list('short'),
    categories: list('in'),
    verbs: option('verbs') === undefined ? allVerbs : list('verbs'),
    subresources: list('sub').map((name) => subresourceOf(name, kind)),
    ...(hash === undefined ? {} : { storageVersionHash: hash }),
  };
}

/** Every built-in resource at every served version. */
export const builtinResources: readonly ResourceInfo[] = Object.entries(rows).flatMap(
  ([groupVersion, lines]) => lines.map((line) => parseRow(groupVersion, line)),
);

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(resource: {
  readonly group: string;
  readonly version: string;
}): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `deployments.apps`; core resources have no group: `pods`. Names a resource in errors and keys. */
export function groupResource(resource: {
  readonly group: string;
  readonly plural: string;
}): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}
