;; The copilot as a further server of lsp-mode, beside the one of the language.

(with-eval-after-load 'lsp-mode
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection '("copilot" "lsp"))
                    :activation-fn (lambda (_file _mode) t)
                    :priority -2
                    :add-on? t
                    :server-id 'copilot-offline)))
