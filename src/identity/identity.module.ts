import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { createIdentifier } from './create-identifier.js';
import { Identifier } from './identifier.js';
import { Identities } from './identities.js';

/** Who sends a request, for the guards of the stand-alone service. */
@Module({})
export class IdentityModule {
  static with(config: Config): DynamicModule {
    return {
      module: IdentityModule,
      global: true,
      providers: [
        { provide: Identifier, useFactory: () => createIdentifier(config) },
        Identities,
      ],
      exports: [Identifier, Identities],
    };
  }
}
