import js from "@eslint/js";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist/", "dist-test/", "node_modules/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [ts.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ["tsconfig.json", "src/webview/tsconfig.json"] } },
    rules: {
      // Short arrow functions may hand on what a void function returns.
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Conflicts with the compiler's own noPropertyAccessFromIndexSignature.
      "@typescript-eslint/dot-notation": "off",
      // VS Code runs handlers and commands that return promises.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
    },
  },
  { files: ["**/*.mjs"], languageOptions: { globals: { process: "readonly" } } },
);
