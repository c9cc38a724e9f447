;;; copilot-offline.el --- An offline coding copilot  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "28.2"))
;; Keywords: convenience, tools
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Ghost text while typing, answers about the repository, and a review of what is not committed yet, all from a
;; language server on this machine.  It needs no other package and runs beside eglot or lsp-mode.
;;
;;     (add-to-list 'load-path "~/.emacs.d/copilot-offline/lisp")
;;     (require 'copilot-offline)
;;     (copilot-offline-global-mode 1)

;;; Code:

(when (version< emacs-version "28.2")
  (error "The package copilot-offline needs Emacs 28.2 or later, and this is %s" emacs-version))

(require 'copilot-offline-ask)
(require 'copilot-offline-documents)
(require 'copilot-offline-findings)
(require 'copilot-offline-ghost)
(require 'copilot-offline-server)

(defun copilot-offline--lighter ()
  "What the mode line says."
  (let ((reading (plist-get copilot-offline-status :reading)))
    (cond ((not (copilot-offline--ready-p)) " copilot-")
          ((member (plist-get copilot-offline-status :kind) '("Error" "Warning")) " copilot!")
          ((and reading (numberp (plist-get reading :total)) (> (plist-get reading :total) 0))
           (format " copilot %d%%%%" (/ (* 100 (plist-get reading :done)) (plist-get reading :total))))
          ((eq (plist-get copilot-offline-status :busy) t) " copilot…")
          (t " copilot"))))

(defun copilot-offline--attach ()
  "Have the server look after this buffer, and start it if need be."
  (cond ((copilot-offline--refusal))
        ((not (copilot-offline--ready-p)) (copilot-offline--start (copilot-offline--root)))
        ((not copilot-offline--document) (copilot-offline--open))))

(defun copilot-offline--renamed ()
  "This buffer visits another file: to the server it is another document."
  (copilot-offline--clear)
  (copilot-offline--close)
  (copilot-offline--attach))

(defun copilot-offline--add-flymake ()
  "Have Flymake show findings in this buffer.
Eglot puts its own backend in place of all others."
  (when (bound-and-true-p copilot-offline-mode)
    (add-hook 'flymake-diagnostic-functions #'copilot-offline-flymake nil t)))

;;;###autoload
(define-minor-mode copilot-offline-mode
  "Suggestions while typing, and findings about what is not committed yet."
  :lighter (:eval (copilot-offline--lighter))
  (if (not copilot-offline-mode)
      (progn
        (copilot-offline--clear)
        (copilot-offline--close)
        (remove-hook 'after-change-functions #'copilot-offline--changed t)
        (remove-hook 'post-command-hook #'copilot-offline--after-command t)
        (remove-hook 'after-save-hook #'copilot-offline--saved t)
        (remove-hook 'kill-buffer-hook #'copilot-offline--close t)
        (remove-hook 'change-major-mode-hook #'copilot-offline--close t)
        (remove-hook 'after-set-visited-file-name-hook #'copilot-offline--renamed t)
        (remove-hook 'flymake-diagnostic-functions #'copilot-offline-flymake t))
    (add-hook 'after-change-functions #'copilot-offline--changed nil t)
    (add-hook 'post-command-hook #'copilot-offline--after-command nil t)
    (add-hook 'after-save-hook #'copilot-offline--saved nil t)
    (add-hook 'kill-buffer-hook #'copilot-offline--close nil t)
    (add-hook 'change-major-mode-hook #'copilot-offline--close nil t)
    (add-hook 'after-set-visited-file-name-hook #'copilot-offline--renamed nil t)
    (setq copilot-offline--tick (buffer-chars-modified-tick))
    (copilot-offline--attach)
    (copilot-offline--add-flymake)
    (flymake-mode 1)))

(defun copilot-offline--turn-on ()
  "Turn the mode on in buffers of files."
  (when (and buffer-file-name (not (minibufferp)) (not (copilot-offline--refusal)))
    (copilot-offline-mode 1)))

;;;###autoload
(define-globalized-minor-mode copilot-offline-global-mode copilot-offline-mode copilot-offline--turn-on
  :group 'copilot-offline)

(defun copilot-offline--attach-all ()
  "Tell a new server of all buffers."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (when copilot-offline-mode
        (setq copilot-offline--document nil)
        (copilot-offline--attach)))))

(defun copilot-offline--let-go ()
  "The server is gone."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (when copilot-offline-mode
        (copilot-offline--clear)
        (setq copilot-offline--document nil))))
  (force-mode-line-update t))

(add-hook 'copilot-offline-ready-hook #'copilot-offline--attach-all)
(add-hook 'copilot-offline-gone-hook #'copilot-offline--let-go)
(add-hook 'eglot-managed-mode-hook #'copilot-offline--add-flymake)
(add-hook 'kill-emacs-hook #'copilot-offline-stop)

(defun copilot-offline--describe (status)
  "STATUS as lines of text."
  (string-join
   (delq nil
         (list (format "state: %s" (cond ((not (equal (plist-get status :kind) "Normal")) (plist-get status :kind))
                                         ((eq (plist-get status :busy) t) "busy")
                                         (t "ready")))
               (unless (member (plist-get status :message) '(nil "")) (plist-get status :message))
               (when (plist-get status :model) (format "model: %s" (plist-get status :model)))
               (pcase (plist-get status :prefix)
                 ("full" "reads: the whole repository")
                 ("map" "reads: a map of the repository"))
               (let ((counts (cl-loop for (name count) on (plist-get status :completions) by #'cddr
                                      collect (format "%s %d" (substring (symbol-name name) 1) count))))
                 (when counts (format "suggestions: %s" (string-join counts ", "))))))
   "\n"))

;;;###autoload
(defun copilot-offline-show-status ()
  "Say how the copilot is, and why nothing is suggested."
  (interactive)
  (let ((refusal (copilot-offline--refusal)))
    (if (not (copilot-offline--ready-p))
        (message "copilot: %s%s" (if refusal (format "this buffer is left alone: %s\n" refusal) "")
                 (copilot-offline--absence))
      (copilot-offline--request
       :copilot/status (copilot-offline--nothing)
       (lambda (status)
         (message "%s%s" (if refusal (format "this buffer is left alone: %s\n" refusal) "")
                  (copilot-offline--describe status)))))))

;;;###autoload
(defun copilot-offline-warm ()
  "Read the whole repository once, so that no question has to wait for it."
  (interactive)
  (copilot-offline--need)
  (let ((root (copilot-offline--root)))
    (copilot-offline--request
     :copilot/warm
     (if root (list :uri (copilot-offline--uri root)) (copilot-offline--nothing))
     (lambda (result)
       (message "copilot: %d tokens of the repository are read; %d were read already"
                (plist-get result :tokens) (plist-get result :reused_tokens)))
     (lambda (message _code) (message "copilot: %s" message)))))

(provide 'copilot-offline)
;;; copilot-offline.el ends here
