;; Add this to your init file.

(add-to-list 'load-path (locate-user-emacs-file "copilot-offline/lisp"))
(require 'copilot-offline)
(setq copilot-offline-command '("copilot" "lsp"))
(copilot-offline-global-mode 1)
