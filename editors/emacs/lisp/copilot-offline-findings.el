;;; copilot-offline-findings.el --- What a review found  -*- lexical-binding: t; -*-

;;; Commentary:

;; Findings of uncommitted changes are Flymake's diagnostics; a review on command has a buffer for `next-error'.

;;; Code:

(require 'compile)
(require 'copilot-offline-documents)
(require 'flymake)

(defvar copilot-offline--findings (make-hash-table :test #'equal) "The diagnostics of each file, by its path.")
(defvar-local copilot-offline--report nil "What Flymake wants to be called with in this buffer.")

(defun copilot-offline--diagnostics ()
  "The diagnostics of this buffer as Flymake's."
  (mapcar (lambda (each)
            (let* ((range (plist-get each :range))
                   (start (copilot-offline--place (plist-get range :start)))
                   (end (copilot-offline--place (plist-get range :end))))
              (flymake-make-diagnostic (current-buffer) start (max end (min (1+ start) (point-max)))
                                       (pcase (plist-get each :severity) (1 :error) (2 :warning) (_ :note))
                                       (plist-get each :message))))
          (gethash (file-truename (or buffer-file-name "")) copilot-offline--findings)))

(defun copilot-offline-flymake (report &rest _)
  "A backend of Flymake: REPORT is called now and when the server says more."
  (setq copilot-offline--report report)
  (funcall report (copilot-offline--diagnostics)))

(defun copilot-offline--found (params)
  "The server's diagnostics of one file, in PARAMS."
  (let ((path (file-truename (copilot-offline--path (plist-get params :uri)))))
    (puthash path (plist-get params :diagnostics) copilot-offline--findings)
    (when-let ((buffer (find-buffer-visiting path)))
      (with-current-buffer buffer
        (when (and copilot-offline--report (bound-and-true-p flymake-mode))
          (funcall copilot-offline--report (copilot-offline--diagnostics) :region (cons (point-min) (point-max))))))))

(copilot-offline--on 'textDocument/publishDiagnostics #'copilot-offline--found)

(defun copilot-offline--show-review (result root)
  "Show RESULT of a review of the repository at ROOT."
  (let ((findings (plist-get result :findings)))
    (if (seq-empty-p findings)
        (message "copilot: nothing found in %s" (plist-get result :label))
      (with-current-buffer (get-buffer-create "*copilot review*")
        (let ((inhibit-read-only t))
          (setq default-directory root)
          (erase-buffer)
          (insert (format "Review of %s\n\n" (plist-get result :label)))
          (seq-doseq (each findings)
            (insert (format "%s:%d: %s: %s: %s (%s)\n"
                            (plist-get each :path) (plist-get each :start_line)
                            (if (member (plist-get each :severity) '("high" "critical")) "error" "warning")
                            (plist-get each :title)
                            (replace-regexp-in-string "[ \n]+" " " (plist-get each :message))
                            (plist-get each :rule)))))
        (compilation-mode "Copilot review")
        (setq default-directory root
              next-error-last-buffer (current-buffer))
        (goto-char (point-min))
        (display-buffer (current-buffer))))))

;;;###autoload
(defun copilot-offline-review (&optional which)
  "Review the uncommitted changes, or WHICH.
That is \"staged\", \"unstaged\" or a range of revisions.
With a prefix argument, ask which."
  (interactive (list (when current-prefix-arg
                       (completing-read "Review (or a range of revisions): " '("uncommitted" "staged" "unstaged")))))
  (copilot-offline--need)
  (let* ((root (or (copilot-offline--root) copilot-offline--root default-directory))
         (which (if (member which '(nil "")) "uncommitted" which))
         (params (list :uri (copilot-offline--uri root))))
    (copilot-offline--request
     :copilot/review
     (append params (if (member which '("uncommitted" "staged" "unstaged"))
                        (list :which which)
                      (list :which "range" :revisions which)))
     (lambda (result) (copilot-offline--show-review result root))
     (lambda (message _code) (message "copilot: %s" message)))))

(defun copilot-offline--actions (only)
  "The server's code actions at point or for the region, of the kind ONLY."
  (copilot-offline--need)
  (unless copilot-offline--document
    (user-error "The copilot does not look after this buffer: %s" (or (copilot-offline--refusal) "turn on copilot-offline-mode")))
  (copilot-offline--sync)
  (let ((start (copilot-offline--position (if (use-region-p) (region-beginning) (point))))
        (end (copilot-offline--position (if (use-region-p) (region-end) (point)))))
    (append (jsonrpc-request copilot-offline--connection :textDocument/codeAction
                             (list :textDocument (copilot-offline--identifier)
                                   :range (list :start start :end end)
                                   :context (list :diagnostics [] :only (vector only))))
            nil)))

(defun copilot-offline--choose (actions)
  "One of ACTIONS; the user chooses where there are several."
  (if (cdr actions)
      (let ((title (completing-read "Action: " (mapcar (lambda (each) (plist-get each :title)) actions) nil t)))
        (seq-find (lambda (each) (equal (plist-get each :title) title)) actions))
    (car actions)))

(defun copilot-offline--perform (action)
  "Do what ACTION says."
  (let ((action (if (or (plist-get action :edit) (null (plist-get action :data)))
                    action
                  (jsonrpc-request copilot-offline--connection :codeAction/resolve action))))
    (when-let ((edit (plist-get action :edit)))
      (copilot-offline--apply edit))
    (when-let ((command (plist-get action :command)))
      (copilot-offline--request :workspace/executeCommand
                                (list :command (plist-get command :command)
                                      :arguments (or (plist-get command :arguments) []))
                                #'ignore
                                (lambda (message _code) (message "copilot: %s" message))))))

;;;###autoload
(defun copilot-offline-fix ()
  "Apply the fix of the finding at point."
  (interactive)
  (copilot-offline--perform (copilot-offline--choose (or (copilot-offline--actions "quickfix")
                                                         (user-error "There is no fix here")))))

;;;###autoload
(defun copilot-offline-act ()
  "Explain, document, rewrite or test the code of the region."
  (interactive)
  (copilot-offline--perform (copilot-offline--choose (or (copilot-offline--actions "refactor")
                                                         (user-error "There is nothing to do here")))))

(provide 'copilot-offline-findings)
;;; copilot-offline-findings.el ends here
