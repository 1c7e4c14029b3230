/** The data of one volume within a backup, or its absence with the reason. */
export interface VolumeBackup {
  readonly namespace: string;
  readonly pvc: string;
  readonly pv: string;
  readonly method: 'ecsSnapshot' | 'cloudBackup' | 'yamlOnly' | 'notBackedUp';
  readonly reason: string;
  readonly phase: 'Pending' | 'InProgress' | 'Completed' | 'PartiallyFailed' | 'Failed' | 'Skipped';
  readonly resourceId?: string;
  readonly sizeBytes?: number;
  readonly takenAt?: string;
  readonly progress: number;
}
