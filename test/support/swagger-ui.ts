import type { Locator, Page } from 'playwright-core';

interface Input {
  /** By name; what is left out keeps what the page fills in. */
  parameters?: Record<string, string>;
  /** Of the examples of the body, the one with this summary. */
  example?: string;
}

type Messages = Record<string, unknown>[];

/** An answer as the page shows it; which fields it has depends. */
export interface ShownAnswer {
  status: string;
  body: {
    chat_session: { messages: Messages };
    chat_sessions: object[];
    message: object;
    messages: Messages;
  };
}

/** Swagger UI, by its buttons and fields. */
export class SwaggerUi {
  constructor(private readonly page: Page) {}

  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.locator('.opblock').first().waitFor();
  }

  /** Through the dialog. */
  async authorize(token: string): Promise<void> {
    await this.page.locator('button.authorize.unlocked').first().click();
    const dialog = this.page.locator('.modal-ux');
    await dialog.locator('input').fill(token);
    await dialog.getByRole('button', { name: 'Apply credentials' }).click();
    await dialog.getByRole('button', { name: 'Close' }).first().click();
  }

  /** "Try it out", "Execute", and what came of it. */
  async execute(operationId: string, input: Input = {}): Promise<ShownAnswer> {
    const operation = this.operation(operationId);
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    for (const [name, value] of Object.entries(input.parameters ?? {})) {
      const row = operation.locator(`tr[data-param-name="${name}"]`);
      await row.locator('input').fill(value);
    }
    if (input.example) {
      await operation
        .locator('.opblock-section-request-body .examples-select-element')
        .selectOption({ label: input.example });
    }
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.live-responses-table .response');
    const status = await answer.locator('.response-col_status').innerText();
    const body = await answer.locator('code').first().innerText();
    return {
      status: status.trim(),
      body: JSON.parse(body) as ShownAnswer['body'],
    };
  }

  /** Forgets what was executed, and folds the operation. */
  async close(operationId: string): Promise<void> {
    const operation = this.operation(operationId);
    await operation.getByRole('button', { name: 'Clear' }).click();
    await operation.getByRole('button', { name: 'Cancel' }).click();
    await operation.locator('.opblock-summary-control').click();
  }

  /** From "Authorize" to the answer of the operation. */
  async screenshot(path: string, operationId: string): Promise<void> {
    await this.page.locator('.scheme-container').scrollIntoViewIfNeeded();
    const answer = this.operation(operationId).locator('.highlight-code');
    const top = (await this.page.locator('.scheme-container').boundingBox())!;
    const end = (await answer.first().boundingBox())!;
    const scrolled = await this.page
      .locator('body')
      .evaluate((body) => -body.getBoundingClientRect().top);
    await this.page.screenshot({
      path,
      fullPage: true,
      clip: {
        x: 0,
        y: top.y + scrolled,
        width: top.width,
        height: end.y + end.height - top.y + 4,
      },
    });
  }

  private operation(operationId: string): Locator {
    return this.page.locator(`.opblock[id$="-${operationId}"]`);
  }
}
