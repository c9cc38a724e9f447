;; The copilot as eglot's language server, for modes that have no other.  Eglot shows its findings and fixes, and
;; suggestions in the completion list.

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '((python-mode markdown-mode) . ("copilot" "lsp"))))
