import type { Locator, Page } from 'playwright-core';

interface Input {
  /** Values by name. The page fills in the others. */
  parameters?: Record<string, string>;
  /** The summary of an example of the body. */
  example?: string;
}

type Messages = Record<string, unknown>[];

/** A response in the page. */
export interface ShownResponse {
  status: string;
  /** Has the fields of its operation. */
  body: {
    chat_session: { messages: Messages };
    chat_sessions: object[];
    message: object;
    messages: Messages;
  };
}

/** Uses Swagger UI through its buttons and fields. */
export class SwaggerUi {
  constructor(private readonly page: Page) {}

  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.locator('.opblock').first().waitFor();
  }

  /** Enters a token in the dialog "Authorize". */
  async authorize(token: string): Promise<void> {
    await this.page.locator('button.authorize.unlocked').first().click();
    const dialog = this.page.locator('.modal-ux');
    await dialog.locator('input').fill(token);
    await dialog.getByRole('button', { name: 'Apply credentials' }).click();
    await dialog.getByRole('button', { name: 'Close' }).first().click();
  }

  /** Executes an operation by "Try it out" and "Execute"; resolves to the response in the page. */
  async execute(
    operationId: string,
    input: Input = {},
  ): Promise<ShownResponse> {
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
    const response = operation.locator('.live-responses-table .response');
    const status = await response.locator('.response-col_status').innerText();
    const body = await response.locator('code').first().innerText();
    return {
      status: status.trim(),
      body: JSON.parse(body) as ShownResponse['body'],
    };
  }

  /** Clears the response of an operation, and folds the operation. */
  async close(operationId: string): Promise<void> {
    const operation = this.operation(operationId);
    await operation.getByRole('button', { name: 'Clear' }).click();
    await operation.getByRole('button', { name: 'Cancel' }).click();
    await operation.locator('.opblock-summary-control').click();
  }

  /** Takes a screenshot from "Authorize" to the response of an operation. */
  async screenshot(path: string, operationId: string): Promise<void> {
    await this.page.locator('.scheme-container').scrollIntoViewIfNeeded();
    const response = this.operation(operationId).locator('.highlight-code');
    const top = (await this.page.locator('.scheme-container').boundingBox())!;
    const end = (await response.first().boundingBox())!;
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
